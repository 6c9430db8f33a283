"""Sequences of `input_drift`: what agents are asked for, and what is told of it, for days."""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Final

from watchkeeper.schemas.policy import AgentPolicy
from watchkeeper.stream_processors.detection.sequences.sequence import Fires, Scene, Sequence

MODE: Final = "input_drift"
HALF_HOUR_US: Final = 1_800_000_000
SESSIONS: Final = 420
CHANGE: Final = 300
"""On the seventh day, a Wednesday."""


@dataclass(frozen=True, slots=True)
class Time:
    """What sessions of a time are: weights of intents and of the tools that are called, and what is told."""

    intents: dict[str, float] = field(default_factory=lambda: {"refund": 4.0, "track": 4.0, "returns": 2.0})
    tools: dict[str, float] = field(default_factory=lambda: {"lookup": 3.0, "search": 1.0})
    told: dict[str, str] = field(default_factory=lambda: {"model": "m-1", "prompt_version": "p-1"})
    malformed: float = 0.0


USUAL: Final = Time()


def _sessions(
    watched: list[str], time_of: Callable[[int], Time], *, sessions: int = SESSIONS, seed: int = 3, **quality: Any
) -> Callable[[Scene], None]:
    """So many sessions, one each half hour; `time_of` tells of each, by its number, how such sessions are then."""
    rules = {"online": [], "inputs": watched, "promise": 200, "baseline": 100, "baseline_days": 1} | quality
    policy = AgentPolicy.model_validate({"agent": "clerk", "quality": rules})

    def tell(scene: Scene) -> None:
        draw = random.Random(seed)  # noqa: S311 - a story, not a secret
        for number in range(sessions):
            time = time_of(number)
            story = scene.story(agent="clerk", policy=policy, start_us=scene.start_us + number * HALF_HOUR_US)
            story.header = {"agent_version": "1"}
            (intent,) = draw.choices(list(time.intents), list(time.intents.values()))
            story.start(intent=intent, **time.told)
            if "intents" not in watched:
                (tool,) = draw.choices(list(time.tools), list(time.tools.values()))
                story.call(tool, "{order: 7" if draw.random() < time.malformed else {"order": number})
                story.result()
            story.end()

    return tell


def _from(number: int, then: Time) -> Callable[[int], Time]:
    return lambda session: then if session >= number else USUAL


def _week(number: int) -> Time:
    """On weekends people ask for other things, week after week."""
    moment = datetime(2026, 1, 1, tzinfo=UTC).timestamp() + number * 1800
    weekend = datetime.fromtimestamp(moment, UTC).weekday() >= 5
    return Time(intents={"refund": 1.0, "track": 8.0, "returns": 1.0}) if weekend else USUAL


_NEW: Final = Time(intents={"refund": 3.0, "track": 3.0, "returns": 2.0, "visa": 2.0})
_MORE: Final = Time(intents={"refund": 1.0, "track": 3.0, "returns": 8.0})
_OTHER_TOOLS: Final = Time(tools={"lookup": 1.0, "search": 4.0})
_UNTOLD: Final = Time(told={"model": "m-1"})
_BROKEN: Final = Time(malformed=0.4)
_NEVER_TOLD: Final = Time(told={})

SEQUENCES: Final = (
    Sequence(
        "a-new-intent",
        MODE,
        "People begin to ask for something that nobody asked for before.",
        _sessions(["intents"], _from(CHANGE, _NEW)),
        (Fires("shifted_mix", severity="medium", evidence={"what": "intents", "new": ["visa"], "phase": "weekday"}),),
    ),
    Sequence(
        "another-share-of-an-intent",
        MODE,
        "After a recall nearly everybody asks for returns.",
        _sessions(["intents"], _from(CHANGE, _MORE)),
        (Fires("shifted_mix", severity="medium", evidence={"what": "intents", "new": []}),),
    ),
    Sequence(
        "other-tools-are-used",
        MODE,
        "The agent searches where it used to look up.",
        _sessions(["tools"], _from(CHANGE, _OTHER_TOOLS)),
        (Fires("shifted_mix", severity="medium", evidence={"what": "tools"}),),
    ),
    Sequence(
        "the-prompts-version-is-told-no-more",
        MODE,
        "A release of the runtime forgets to tell which version of the prompt it runs.",
        _sessions(["data"], _from(CHANGE, _UNTOLD)),
        (Fires("shifted_data", severity="medium", evidence={"new": ["missing prompt_version"]}),),
    ),
    Sequence(
        "arguments-that-are-no-json",
        MODE,
        "A model begins to write arguments that nobody can read.",
        _sessions(["data"], _from(CHANGE, _BROKEN)),
        (Fires("shifted_data", severity="medium", evidence={"new": ["malformed arguments"]}),),
    ),
    Sequence(
        "the-same-mix",
        MODE,
        "Intents come and go by chance, and their shares stay.",
        _sessions(["intents"], lambda _: USUAL),
    ),
    Sequence(
        "the-week-as-ever",
        MODE,
        "On weekends people ask for other things, as on the weekend before.",
        _sessions(["intents"], _week, sessions=560),
    ),
    Sequence(
        "never-told-anyway",
        MODE,
        "A runtime that never tells models and versions goes on not to.",
        _sessions(["data"], lambda _: _NEVER_TOLD),
    ),
    Sequence(
        "a-few-odd-ones",
        MODE,
        "A handful of people ask for something new, and then nobody does.",
        _sessions(["intents"], lambda number: _NEW if CHANGE <= number < CHANGE + 8 else USUAL),
    ),
    Sequence(
        "too-few-to-say",
        MODE,
        "After sixty sessions everything is asked for differently: nobody knows yet what is usual.",
        _sessions(["intents"], _from(60, _MORE), sessions=110),
    ),
)
