"""How a tool fared in its last hour and before: what it is compared with where nobody declared what it promises.

The last hour stands in parts of ten minutes, with the part at hand. What has left it is the past, in two generations of
two weeks: the elder is forgotten when the younger is that old. So the past is of the last two to four weeks and holds
nothing of the trouble that is judged against it, as long as that lasts no longer than an hour.
"""

from __future__ import annotations

from typing import Final, TypedDict

from watchkeeper.schemas.signals import ToolUsed
from watchkeeper.stream_processors.detection.quantile_sketch import Sketch, merge
from watchkeeper.stream_processors.detection.windows import Span

PART: Final = Span(600, 6)
GENERATION_US: Final = 14 * 86_400_000_000
MAX_SESSIONS = 8
"""Named and counted of a part; more sessions than that say nothing new."""


class Use(TypedDict):
    """What a tool did, from a moment on."""

    from_us: int
    calls: int
    errors: int
    retries: int
    durations: Sketch
    sessions: list[str]


class History(TypedDict):
    """A tool's last hour, and the generations of its past, the younger last."""

    parts: list[Use]
    past: list[Use]


def new_history() -> History:
    """Nothing yet."""
    return History(parts=[], past=[])


def take(history: History, signal: ToolUsed, at_us: int) -> None:
    """Takes in how a session's calls went; `history` is changed in place."""
    from_us = PART.start_us(PART.bucket(at_us))
    part = next((one for one in history["parts"] if one["from_us"] == from_us), None)
    if part is None:
        part = _new(from_us)
        history["parts"] = sorted([*history["parts"], part], key=lambda one: one["from_us"])
    part["calls"] += signal.calls
    part["errors"] += signal.errors
    part["retries"] += signal.retries
    merge(part["durations"], signal.durations)
    if signal.session_id not in part["sessions"]:
        part["sessions"] = [*part["sessions"], signal.session_id][-MAX_SESSIONS:]
    while len(history["parts"]) > PART.buckets or _is_past(history["parts"][0], at_us):
        _age(history, history["parts"].pop(0))


def now(history: History, at_us: int, parts: int = PART.buckets) -> Use:
    """What the tool did in the parts of ten minutes that end with the one at hand; the hour, unless told otherwise."""
    joined = _new(at_us)
    for part in history["parts"]:
        if at_us - parts * PART.seconds * 1_000_000 < part["from_us"] <= at_us:
            _join(joined, part)
    return joined


def before(history: History, at_us: int) -> Use:
    """What the tool did before that hour, as far as it is remembered."""
    joined = _new(at_us)
    for generation in history["past"]:
        _join(joined, generation)
    return joined


def _new(from_us: int) -> Use:
    return Use(from_us=from_us, calls=0, errors=0, retries=0, durations={}, sessions=[])


def _is_past(part: Use, at_us: int) -> bool:
    return part["from_us"] <= at_us - PART.buckets * PART.seconds * 1_000_000


def _age(history: History, part: Use) -> None:
    past = history["past"]
    if not past or part["from_us"] >= past[-1]["from_us"] + GENERATION_US:
        past.append(_new(part["from_us"]))
        del past[:-2]
    _join(past[-1], part)
    past[-1]["sessions"] = []


def _join(into: Use, part: Use) -> None:
    into["from_us"] = min(into["from_us"], part["from_us"])
    into["calls"] += part["calls"]
    into["errors"] += part["errors"]
    into["retries"] += part["retries"]
    merge(into["durations"], part["durations"])
    into["sessions"] += [one for one in part["sessions"] if one not in into["sessions"]]
