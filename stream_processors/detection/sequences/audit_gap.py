"""Sequences of `audit_gap`."""

from __future__ import annotations

from typing import Final

from watchkeeper.schemas.policy import AgentPolicy
from watchkeeper.stream_processors.detection.sequences.sequence import Fires, Scene, Sequence
from watchkeeper.stream_processors.detection.sequences.story import Story

MODE: Final = "audit_gap"
POLICY: Final = AgentPolicy.model_validate(
    {
        "agent": "clerk",
        "caps": {"wall_clock_seconds": None},
        "tools": {"slow": {"timeout_seconds": 30.0}},
        "thresholds": {"close_timeout_seconds": 600.0},
    }
)


def _clerk(scene: Scene) -> Story:
    story = scene.story(agent="clerk", policy=POLICY)
    story.start()
    return story


def _lost_events(scene: Scene) -> None:
    story = _clerk(scene)
    story.ask("look", "found", q=1)
    story.lose(2)
    story.ask("look", "found", q=2)
    story.end()


def _no_result(scene: Scene) -> None:
    story = _clerk(scene)
    story.call("look", q=1)
    story.end()


def _no_call(scene: Scene) -> None:
    story = _clerk(scene)
    story.result("found", call_id="c-9", tool_name="look")
    story.end()


def _never_closed(scene: Scene) -> None:
    story = _clerk(scene)
    story.ask("look", "found", q=1)
    scene.silence_seconds = 700


def _waits_too_long(scene: Scene) -> None:
    story = _clerk(scene)
    story.call("slow", q=1)
    scene.silence_seconds = 60


def _whole(scene: Scene) -> None:
    story = _clerk(scene)
    story.prompt("Where is it?")
    story.response(100, 10)
    story.ask("look", "found", q=1)
    story.end()


def _late_but_there(scene: Scene) -> None:
    story = _clerk(scene)
    story.call("look", call_id="c-1", q=1)
    story.lose()
    story.ask("look", "found", q=2)
    story.say("tool_result", {"tool_call_id": "c-1", "tool_name": "look"}, seq=2)
    story.end()


def _in_parallel(scene: Scene) -> None:
    story = _clerk(scene)
    for number in range(3):
        story.call("look", call_id=f"c-{number}", q=number)
    for number in (2, 0, 1):
        story.result(f"found {number}", call_id=f"c-{number}")
    story.end()


def _slow_but_in_time(scene: Scene) -> None:
    story = _clerk(scene)
    story.call("slow", q=1)
    story.wait(29)
    story.result("found")
    story.end()


SEQUENCES: Final = (
    Sequence(
        "lost-events",
        MODE,
        "Two numbers of the writer never arrive.",
        _lost_events,
        (Fires("sequence_gap", severity="medium", evidence={"first_missing": 3, "last_missing": 4}),),
    ),
    Sequence("no-result", MODE, "A call without a result.", _no_result, (Fires("unanswered_call", severity="low"),)),
    Sequence("no-call", MODE, "A result of a call that nobody recorded.", _no_call, (Fires("unexplained_result"),)),
    Sequence("never-closed", MODE, "The session falls silent.", _never_closed, (Fires("never_closed"),)),
    Sequence(
        "waits-too-long",
        MODE,
        "A tool does not answer within its time-out.",
        _waits_too_long,
        (Fires("unanswered_call", severity="medium", evidence={"limit_seconds": 30.0}),),
    ),
    Sequence("whole", MODE, "Everything is told.", _whole),
    Sequence(
        "late-but-there",
        MODE,
        "A result comes late and fills the gap that it left.",
        _late_but_there,
        (Fires("sequence_gap", status="resolved"),),
    ),
    Sequence("in-parallel", MODE, "Three calls at once, answered in another order.", _in_parallel),
    Sequence("slow-but-in-time", MODE, "A slow tool answers just in time.", _slow_but_in_time),
)
