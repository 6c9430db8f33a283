"""Sequences of `conflicting_write`."""

from __future__ import annotations

from typing import Any, Final

from watchkeeper.schemas.policy import AgentPolicy
from watchkeeper.stream_processors.detection.sequences.sequence import Fires, Scene, Sequence
from watchkeeper.stream_processors.detection.sequences.story import Story

MODE: Final = "conflicting_write"
PLANNER: Final = AgentPolicy.model_validate(
    {
        "agent": "planner",
        "tools": {
            "list_calendars": {"effect": "read"},
            "get_calendar": {"effect": "read", "resource": "calendar"},
            "put_calendar": {"effect": "write", "resource": "calendar"},
            "add_comment": {"effect": "write", "resource": "calendar", "additive": True},
            "move_rooms": {"effect": "write", "resource": "moves[*].room"},
        },
    }
)
TEAM: Final = "calendars/team"


class _Desk:
    """Several sessions, each told at times of the scene."""

    def __init__(self, scene: Scene) -> None:
        self._scene = scene
        self._stories: dict[str, Story] = {}

    def at(self, seconds: float, who: str, agent: str = "planner", **header: Any) -> Story:
        """The session of this name, so many seconds after the scene's start; it begins where it is named first."""
        now_us = self._scene.start_us + round(seconds * 1_000_000)
        story = self._stories.get(who)
        if story is None:
            story = self._scene.story(agent=agent, policy=PLANNER, start_us=now_us, session=who)
            self._stories[who] = story
            body = story.content(PLANNER.canonical().decode(), shared=True)
            story.say("session_started", {"policy": {"name": PLANNER.agent, "content": body}}, **header)
        else:
            story.now_us = now_us
        return story

    def end(self) -> None:
        """All sessions end after what was told last."""
        last_us = max(story.now_us for story in self._stories.values())
        for story in self._stories.values():
            story.now_us = last_us
            story.end()


def _lost_update(scene: Scene) -> None:
    desk = _Desk(scene)
    desk.at(0, "ann").ask("get_calendar", "v1", calendar=TEAM)
    desk.at(1, "ben").ask("get_calendar", "v1", calendar=TEAM)
    desk.at(4, "ann").ask("put_calendar", "saved", calendar=TEAM, monday="dentist")
    desk.at(6, "ben").ask("put_calendar", "saved", calendar=TEAM, monday="board")
    desk.end()


def _stale_read(scene: Scene) -> None:
    desk = _Desk(scene)
    desk.at(0, "ann").ask("get_calendar", "v1", calendar=TEAM)
    desk.at(60, "ben").ask("get_calendar", "v1", calendar=TEAM)
    desk.at(62, "ben").ask("put_calendar", "saved", calendar=TEAM, monday="board")
    desk.at(65, "ben").end()
    desk.at(180, "ann").ask("put_calendar", "saved", calendar=TEAM, monday="dentist")
    desk.at(182, "ann").end()


def _written_blindly(scene: Scene) -> None:
    desk = _Desk(scene)
    desk.at(0, "ann").prompt("Put the dentist on Monday.")
    desk.at(1, "ben").prompt("The board meets on Monday.")
    desk.at(5, "ben").ask("put_calendar", "saved", calendar=TEAM, monday="board")
    desk.at(7, "ann").ask("put_calendar", "saved", calendar=TEAM, monday="dentist")
    desk.end()


def _written_between(scene: Scene) -> None:
    desk = _Desk(scene)
    desk.at(0, "ann").ask("put_calendar", "saved", calendar=TEAM, monday="dentist")
    desk.at(3, "ben").ask("put_calendar", "saved", calendar=TEAM, monday="board")
    desk.at(9, "ann").ask("put_calendar", "saved", calendar=TEAM, monday="dentist", tuesday="lunch")
    desk.end()


def _two_helpers(scene: Scene) -> None:
    """Two sessions of one delegation tree, neither of which waits for the other."""
    desk = _Desk(scene)
    tree = {"root_session_id": "lead", "parent_session_id": "lead"}
    desk.at(0, "lead").prompt("Plan the week.")
    desk.at(1, "rooms", "room-planner", **tree).ask("get_calendar", "v1", calendar=TEAM)
    desk.at(1.5, "people", "people-planner", **tree).ask("get_calendar", "v1", calendar=TEAM)
    desk.at(3, "rooms").ask("move_rooms", "moved", moves=[{"room": TEAM}, {"room": "rooms/4"}])
    desk.at(4, "people").ask("put_calendar", "saved", calendar=TEAM, monday="board")
    desk.end()


def _one_after_the_other(scene: Scene) -> None:
    desk = _Desk(scene)
    desk.at(0, "ann").ask("get_calendar", "v1", calendar=TEAM)
    desk.at(2, "ann").ask("put_calendar", "saved", calendar=TEAM, monday="dentist")
    desk.at(3, "ann").end()
    desk.at(5, "ben").ask("put_calendar", "saved", calendar=TEAM, monday="board")
    desk.at(6, "ben").end()


def _looked_again(scene: Scene) -> None:
    desk = _Desk(scene)
    desk.at(0, "ann").ask("get_calendar", "v1", calendar=TEAM)
    desk.at(2, "ben").ask("put_calendar", "saved", calendar=TEAM, monday="board")
    desk.at(5, "ann").ask("get_calendar", "v2", calendar=TEAM)
    desk.at(6, "ann").ask("put_calendar", "saved", calendar=TEAM, tuesday="dentist")
    desk.end()


def _refused(scene: Scene) -> None:
    desk = _Desk(scene)
    desk.at(0, "ann").ask("get_calendar", "v1", calendar=TEAM)
    desk.at(2, "ben").ask("put_calendar", "saved", calendar=TEAM, monday="board")
    desk.at(5, "ann").call("put_calendar", calendar=TEAM, monday="dentist")
    desk.at(5.5, "ann").result("it has changed: read it again", status="error", error_type="PreconditionFailed")
    desk.at(6, "ann").ask("get_calendar", "v2", calendar=TEAM)
    desk.at(8, "ann").ask("put_calendar", "saved", calendar=TEAM, tuesday="dentist")
    desk.end()


def _other_calendars_and_comments(scene: Scene) -> None:
    desk = _Desk(scene)
    desk.at(0, "ann").ask("get_calendar", "v1", calendar=TEAM)
    desk.at(1, "ben").ask("get_calendar", "v1", calendar="calendars/board")
    desk.at(3, "ben").ask("put_calendar", "saved", calendar="calendars/board", monday="board")
    desk.at(4, "ben").ask("add_comment", "added", calendar=TEAM, text="See the board's calendar.")
    desk.at(5, "ann").ask("put_calendar", "saved", calendar=TEAM, monday="dentist")
    desk.end()


def _by_a_helper(scene: Scene) -> None:
    desk = _Desk(scene)
    desk.at(0, "lead").ask("get_calendar", "v1", calendar=TEAM)
    helper = desk.at(2, "rooms", "room-planner", root_session_id="lead", parent_session_id="lead")
    helper.ask("get_calendar", "v1", calendar=TEAM)
    desk.at(4, "rooms").ask("put_calendar", "saved", calendar=TEAM, monday="board in room 4")
    desk.at(8, "lead").ask("put_calendar", "saved", calendar=TEAM, monday="board in room 4", tuesday="lunch")
    desk.end()


def _listed_first(scene: Scene) -> None:
    desk = _Desk(scene)
    desk.at(0, "ann").prompt("Put the dentist on Monday.")
    desk.at(2, "ben").ask("put_calendar", "saved", calendar=TEAM, tuesday="board")
    desk.at(4, "ann").ask("list_calendars", "team: board on Tuesday")
    desk.at(6, "ann").ask("put_calendar", "saved", calendar=TEAM, monday="dentist", tuesday="board")
    desk.end()


_LOST: Final = (Fires("conflicting_write", severity="high", evidence={"pattern": "lost_update"}),)

SEQUENCES: Final = (
    Sequence(
        "lost-update",
        MODE,
        "Two agents read a calendar, then both write it: the second undoes what the first wrote.",
        _lost_update,
        (
            Fires(
                "conflicting_write",
                severity="high",
                evidence={"pattern": "lost_update", "stale": "ben", "overwritten": "ann", "conflicts": 1},
            ),
        ),
    ),
    Sequence(
        "stale-read", MODE, "While one agent ponders, another session comes, writes and ends.", _stale_read, _LOST
    ),
    Sequence(
        "written-blindly",
        MODE,
        "Two agents write the same calendar within seconds, and neither looks.",
        _written_blindly,
        (Fires("conflicting_write", severity="medium", evidence={"pattern": "blind_write", "overwritten": "ben"}),),
    ),
    Sequence(
        "written-between",
        MODE,
        "An agent goes on from its own write; another wrote in between.",
        _written_between,
        _LOST,
    ),
    Sequence("two-helpers", MODE, "Two helpers of one lead plan the same calendar at once.", _two_helpers, _LOST),
    Sequence("one-after-the-other", MODE, "The second session begins when the first has ended.", _one_after_the_other),
    Sequence("looked-again", MODE, "The agent looks again before it writes.", _looked_again),
    Sequence("refused", MODE, "The calendar itself refuses to be overwritten; the agent reads it again.", _refused),
    Sequence(
        "other-calendars-and-comments",
        MODE,
        "Another calendar is written, and a comment added to this one.",
        _other_calendars_and_comments,
    ),
    Sequence("by-a-helper", MODE, "The lead writes after its helper, for which it waited.", _by_a_helper),
    Sequence("listed-first", MODE, "The agent lists all calendars after the other's write.", _listed_first),
)
