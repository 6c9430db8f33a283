"""Runs of calls that repeat: kept call by call, in constant space.

For each cycle length and each way of matching there is at most one run: since which call every call has matched the
one a cycle before it, no result having brought news against the result a cycle before.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Literal, TypedDict

from watchkeeper.stream_processors.detection.fingerprints import CallPrint, ResultPrint, are_near, is_news

MAX_CYCLE = 4
"""Field reports and recordings show agents alternate between two or three calls; longer rounds look like work."""

WINDOW = 2 * MAX_CYCLE
"""Calls remembered: a result may come while later calls of its round have begun."""

Match = Literal["identical", "near"]
MATCHES: tuple[Match, ...] = ("identical", "near")


class Call(TypedDict):
    """A call in the window.

    `exact`, `frame` and `words` are its fingerprint; `answer` is that of its result, empty until it comes; `repeats`
    tells whether it matched another, and only then there is an `outline`; `tokens` and `cost_usd` are what the session
    had used before it.
    """

    index: int
    tool: str
    call_id: str
    event_id: str
    at_us: int
    tokens: int
    cost_usd: float
    exact: str
    frame: str
    words: str
    repeats: bool
    outline: str
    answer: list[str]


class Run(TypedDict):
    """A run: its first call, what the session had used by then, and how many results are known to be no news."""

    index: int
    event_id: str
    at_us: int
    tokens: int
    cost_usd: float
    stale: int


@dataclass(slots=True)
class RepetitionState:
    """What is going on.

    Attributes:
        count: calls so far.
        calls: the latest of them, without a gap.
        runs: runs of more than one round, by cycle length and first letter of the match.
        told: the loop that was told last: its first event, the revision, and the rounds at which to tell more.
        spoken: what `user_turns` keeps.
    """

    count: int = 0
    calls: list[Call] = field(default_factory=list)
    runs: dict[str, Run] = field(default_factory=dict)
    told: dict[str, Any] = field(default_factory=dict)
    spoken: dict[str, int] = field(default_factory=dict)


def begin(state: RepetitionState, call: Call, *, writes: bool) -> None:
    """Takes a call in; near calls of a tool that writes are different deeds."""
    state.count += 1
    calls, tool = state.calls, call["tool"]
    calls.append(call)
    del calls[:-WINDOW]
    latest = calls[-2 : -2 - MAX_CYCLE : -1]
    if not state.runs and all(one["tool"] != tool for one in latest):
        return
    for length in range(1, MAX_CYCLE + 1):
        before = latest[length - 1] if length <= len(latest) else None
        if before is None or before["tool"] != tool:
            identical = near = False
        else:
            identical = before["exact"] == call["exact"]
            near = identical or (not writes and _are_near(before, call))
        if near or state.runs:
            _go_on(state, f"{length}i", before if identical else None)
            _go_on(state, f"{length}n", before if near else None)
            call["repeats"] = call["repeats"] or near


def answer(state: RepetitionState, call: Call, result: ResultPrint, *, writes: bool) -> None:
    """Takes the result of a call in; what a tool that writes answers is no news."""
    call["answer"] = [result.same, result.sketch, result.folded]
    for way in list(state.runs):
        length = int(way[0])
        _compare(state, way, call["index"] - length, length, writes=writes)
        _compare(state, way, call["index"], length, writes=writes)


def unanswered(state: RepetitionState, call_id: str) -> Call | None:
    """The oldest call of this id that has no result yet: models repeat ids."""
    for call in state.calls:
        if call["call_id"] == call_id and not call["answer"]:
            return call
    return None


def forget(state: RepetitionState) -> None:
    """Ends all runs."""
    state.calls.clear()
    state.runs.clear()


def rounds_of(state: RepetitionState, run: Run, length: int) -> int:
    """How many rounds of a run have begun."""
    return -((run["index"] - state.count) // length)


def _go_on(state: RepetitionState, way: str, before: Call | None) -> None:
    """The latest call matched `before`, or nothing."""
    if before is None:
        if way in state.runs:
            del state.runs[way]
    elif way not in state.runs:
        state.runs[way] = _run_from(before)


def _compare(state: RepetitionState, way: str, earlier: int, length: int, *, writes: bool) -> None:
    """Compares the results of two calls a cycle apart, once both are there."""
    run, before, after = state.runs.get(way), _at(state, earlier), _at(state, earlier + length)
    if run is None or before is None or after is None or not before["answer"] or not after["answer"]:
        return
    if earlier < run["index"]:
        return
    news = False if writes else is_news(ResultPrint(*before["answer"]), ResultPrint(*after["answer"]))
    if news is False:
        run["stale"] += 1
    elif news:
        first = _at(state, earlier + 1)
        if first is not None and state.count - first["index"] > length:
            state.runs[way] = _run_from(first)
        else:
            del state.runs[way]


def _run_from(call: Call) -> Run:
    return {
        "index": call["index"],
        "event_id": call["event_id"],
        "at_us": call["at_us"],
        "tokens": call["tokens"],
        "cost_usd": call["cost_usd"],
        "stale": 0,
    }


def _at(state: RepetitionState, index: int) -> Call | None:
    calls = state.calls
    position = index - calls[0]["index"] if calls else -1
    return calls[position] if 0 <= position < len(calls) else None


def _are_near(before: Call, call: Call) -> bool:
    return before["frame"] == call["frame"] and are_near(
        CallPrint(before["exact"], before["frame"], before["words"]),
        CallPrint(call["exact"], call["frame"], call["words"]),
    )
