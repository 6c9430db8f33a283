"""Sequences of `quality_drift`: agents whose sessions go well and badly, by chance, for days."""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final

from watchkeeper.schemas.policy import AgentPolicy
from watchkeeper.stream_processors.detection.sequences.sequence import Fires, Scene, Sequence

MODE: Final = "quality_drift"
HOUR_US: Final = 3_600_000_000


@dataclass(frozen=True, slots=True)
class Day:
    """How sessions of a time are: `bad` is the chance of each to go badly, by intent; `*` of all others."""

    bad: dict[str, float]
    intents: tuple[str, ...] = ("refund", "track", "returns")
    prompt_version: str = "p-1"
    agent_version: str = "1"


USUAL: Final = Day({"*": 0.06})
Session = Callable[[Any, bool], None]


def _feedback(story: Any, bad: bool) -> None:
    story.response(answer=True)
    story.say("outcome", {"name": "thumbs", "kind": "feedback", "value": 0.0 if bad else 1.0})


def _tool(story: Any, bad: bool) -> None:
    story.call("lookup", order=story.session)
    story.result(status="error" if bad else "ok")
    story.response(answer=True)


def _abstention(story: Any, bad: bool) -> None:
    story.response(answer=True, abstained=bad)


def _person(story: Any, bad: bool) -> None:
    story.response(answer=True)
    if bad:
        story.ask("escalate_to_human", session=story.session)


def _quality(measure: str, **further: Any) -> AgentPolicy:
    watched = {"online": [measure], "inputs": [], "promise": 400, "baseline": 120, "baseline_days": 2} | further
    return AgentPolicy.model_validate({"agent": "clerk", "quality": watched})


def _days(
    measure: str,
    session: Session,
    day_of: Callable[[int], Day],
    *,
    sessions: int = 230,
    hours: float = 1.0,
    seed: int = 5,
    policy_of: Callable[[int], AgentPolicy] | None = None,
    **quality: Any,
) -> Callable[[Scene], None]:
    """So many sessions, one after the other; `day_of` tells of each, by its number, how such sessions are then."""

    def tell(scene: Scene) -> None:
        draw = random.Random(seed)  # noqa: S311 - a story, not a secret
        for number in range(sessions):
            day = day_of(number)
            policy = _quality(measure, **quality) if policy_of is None else policy_of(number)
            intent = day.intents[draw.randrange(len(day.intents))]
            bad = draw.random() < day.bad.get(intent, day.bad.get("*", 0.0))
            start_us = scene.start_us + round(number * hours * HOUR_US)
            story = scene.story(agent="clerk", policy=policy, start_us=start_us)
            story.header = {"agent_version": day.agent_version}
            story.start(intent=intent, model="m-1", prompt_version=day.prompt_version)
            session(story, bad)
            story.end()

    return tell


def _from(number: int, then: Day, before: Day = USUAL) -> Callable[[int], Day]:
    return lambda session: then if session >= number else before


def _season(number: int) -> Day:
    """Weekends are worse, week after week."""
    at = datetime(2026, 1, 1, tzinfo=UTC).timestamp() + number * 3 * 3600
    weekend = datetime.fromtimestamp(at, UTC).weekday() >= 5
    return Day({"*": 0.35 if weekend else 0.05})


def _accepted(number: int) -> AgentPolicy:
    """What came since the hundred-and-fortieth session is accepted at the two-hundred-and-sixtieth."""
    return _quality("feedback", **({"baseline_since": datetime(2026, 1, 6, 20, tzinfo=UTC)} if number >= 260 else {}))


_HALF: Final = Day({"*": 0.55})
_HASTY: Final = Day({"refund": 0.85, "returns": 0.85, "*": 0.06}, prompt_version="p-2", agent_version="2")
_ODD_DAY: Final = Day({"*": 0.3})
_RELEASED: Final = Day({"*": 0.55}, agent_version="2")

SEQUENCES: Final = (
    Sequence(
        "users-are-less-happy",
        MODE,
        "From the seventh day on every second user is not content.",
        _days("feedback", _feedback, _from(160, _HALF)),
        (Fires("drifted_scores", severity="medium", evidence={"stream": "feedback", "direction": "fall"}),),
    ),
    Sequence(
        "a-hasty-prompt",
        MODE,
        "With a new version of the prompt a tool fails for two of three intents.",
        _days("tool_errors", _tool, _from(160, _HASTY)),
        (Fires("drifted_scores", severity="medium", evidence={"stream": "tool_errors", "unit": "score"}),),
    ),
    Sequence(
        "more-abstentions",
        MODE,
        "A release makes the agent decline what it used to answer.",
        _days("abstentions", _abstention, _from(160, _RELEASED)),
        (Fires("drifted_scores", severity="medium", evidence={"stream": "abstentions", "direction": "rise"}),),
    ),
    Sequence(
        "more-is-handed-to-people",
        MODE,
        "The agent hands more and more sessions to people.",
        _days("escalations", _person, _from(160, _HALF)),
        (Fires("drifted_scores", severity="medium", evidence={"stream": "escalations"}),),
    ),
    Sequence(
        "noisy-and-stable",
        MODE,
        "A quarter of all users is never content, and it stays a quarter.",
        _days("feedback", _feedback, lambda _: Day({"*": 0.25})),
    ),
    Sequence(
        "a-weekly-season",
        MODE,
        "Weekends are worse than weekdays, as they were in the baseline.",
        _days("feedback", _feedback, _season, hours=3.0, baseline=140, baseline_days=14, sessions=260),
    ),
    Sequence(
        "a-day-that-goes-badly",
        MODE,
        "One day is worse than the others, and the next is as usual.",
        _days("feedback", _feedback, lambda number: _ODD_DAY if 160 <= number < 180 else USUAL),
    ),
    Sequence(
        "another-mix-of-intents",
        MODE,
        "What always went less well is asked for more often; no intent is served worse than before.",
        _days(
            "feedback",
            _feedback,
            _from(
                160,
                Day({"hard": 0.45, "*": 0.03}, intents=("hard", "hard", "easy")),
                Day({"hard": 0.45, "*": 0.03}, intents=("hard", "easy", "easy", "easy")),
            ),
        ),
    ),
    Sequence(
        "too-few-to-say",
        MODE,
        "After sixty sessions everything goes badly: nobody knows yet what is usual.",
        _days("feedback", _feedback, _from(60, _HALF), sessions=110),
    ),
    Sequence(
        "accepted-as-usual",
        MODE,
        "The fall was told, and a person accepts what there is now: it is not told again.",
        _days("feedback", _feedback, _from(140, _HALF), sessions=390, policy_of=_accepted),
        (
            Fires("drifted_scores", evidence={"stream": "feedback"}),
            Fires("version_drift", failure_mode="version_drift", evidence={"what": "policy"}),
        ),
    ),
)
