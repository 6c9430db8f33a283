"""Agents that do the same again and again, and learn nothing by it.

What it sees. Tool calls in order, with their results: a cycle of one to four calls that runs `thresholds.loop_repeats`
rounds with identical or near calls (`fingerprints` says what is near), while the results bring nothing new. It is
found at the call with which the last of these rounds begins, the rounds before it being known to bring nothing, or at
the result that shows it (calls made in parallel). The finding is revised when the rounds double, so that it tells what
the loop costs: medium, and high from twice the repeats on. It stops nobody: caps do.

Method. For each cycle length L and for each way of matching, a *run*: since which call every call has matched the one
L before it. A mismatch ends the run; so does a result that brings news against the result L calls before, from there
on. Nothing else is kept, so cost and state are constant, and no run is too long to be seen. Call ids take no part:
models repeat them. A person who speaks ends all runs: asking again then is polling, or obedience (`user_turns`).

- News is progress: an identical call that answers something else each time (a job at 40 %, then 60 %; the next of a
  queue) is no loop, however long it lasts; `cost_runaway` ends it. Failures that differ in digits alone are no news.
- A tool that the policy calls `write` or `irreversible` is judged by its calls alone: doing the same again is no
  progress, whatever it answers. Near calls of such a tool are different deeds, and never a loop.
- Where results were not recorded nobody can tell: identical calls are a loop at twice the repeats, near ones never.
- Pages (`page=1, 2, 3`) are near calls: with new results they are reading, with equal ones a loop.

Parameters, from the policy: `thresholds.loop_repeats` (3: twice may be a retry; recorded agents that do the same a
third time without a word from anybody seldom recover), `tools[name].effect`.

What it gets wrong. Waiting for a job that answers "pending" looks like a loop, and is one that costs. Near calls with
equal results may be a search for different things that found nothing each time, where their words overlap. A loop whose
calls differ in an identifier that the agent makes up each time is not seen; nor is a cycle of more than four calls, nor
one in which the agent varies its calls while it gets nowhere. Texts are told apart by words between spaces: languages
without spaces have no near calls. Late events are not seen.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from watchkeeper.schemas.events import Event, ToolCall, ToolResult
from watchkeeper.schemas.evidence import Loop
from watchkeeper.stream_processors.detection.detector import Context, Detector, Found, Said
from watchkeeper.stream_processors.detection.fingerprints import print_of_call, print_of_result, short
from watchkeeper.stream_processors.detection.session_rules.repetition import (
    MATCHES,
    MAX_CYCLE,
    Call,
    Match,
    RepetitionState,
    Run,
    answer,
    begin,
    forget,
    rounds_of,
    unanswered,
)
from watchkeeper.stream_processors.detection.session_rules.user_turns import spoke
from watchkeeper.stream_processors.detection.session_rules.violations import outline

_WRITING = frozenset({"write", "irreversible"})


@dataclass(slots=True)
class _Loop:
    """A run that is a loop."""

    length: int
    match: Match
    run: Run
    rounds: int


class ReasoningLoop(Detector[RepetitionState]):
    """See the module."""

    rule_id = "reasoning_loop"
    rule_version = 2
    failure_mode = "reasoning_loop"
    listens = frozenset({"prompt", "tool_call", "tool_result"})
    state_type = RepetitionState

    def step(self, state: RepetitionState, event: Event, context: Context) -> Iterable[Said]:
        """See `Detector.step`."""
        if spoke(state.spoken, event):
            forget(state)
        if type(event) is ToolCall:
            call = _call(state, event, context)
            begin(state, call, writes=_writes(context, event.data.tool_name))
            if call["repeats"]:
                call["outline"] = outline(event.data.arguments)
        elif type(event) is ToolResult:
            _answer(state, event, context)
        else:
            return ()
        return _judge(state, context) if state.runs else ()


def _call(state: RepetitionState, event: ToolCall, context: Context) -> Call:
    fingerprint = print_of_call(event.data, event.event_id)
    totals = context.session.totals
    return {
        "index": state.count,
        "tool": event.data.tool_name,
        "call_id": short(event.data.tool_call_id),
        "event_id": event.event_id,
        "at_us": context.at_us,
        "tokens": totals.tokens,
        "cost_usd": totals.cost_usd,
        "exact": fingerprint.exact,
        "frame": fingerprint.frame,
        "words": fingerprint.words,
        "repeats": False,
        "outline": "",
        "answer": [],
    }


def _answer(state: RepetitionState, event: ToolResult, context: Context) -> None:
    call = unanswered(state, short(event.data.tool_call_id))
    if call is not None:
        result = print_of_result(event.data, fold=call["repeats"])
        answer(state, call, result, writes=_writes(context, call["tool"]))


def _writes(context: Context, tool_name: str) -> bool:
    declared = context.policy.tools.get(tool_name)
    return declared is not None and declared.effect in _WRITING


def _judge(state: RepetitionState, context: Context) -> Iterable[Said]:
    repeats = context.policy.thresholds.loop_repeats
    loops = list(_loops(state, repeats))
    if not loops:
        return ()
    told = state.told
    loop = next((one for one in loops if one.run["event_id"] == told.get("event_id")), loops[0])
    revision, more_at = 0, repeats
    if loop.run["event_id"] == told.get("event_id"):
        revision, more_at = told["revision"] + 1, told["more_at"]
        if loop.rounds < more_at:
            return ()
    while more_at <= loop.rounds:
        more_at *= 2
    state.told = {"event_id": loop.run["event_id"], "revision": revision, "more_at": more_at}
    return [_found(state, loop, revision, repeats, context)]


def _loops(state: RepetitionState, repeats: int) -> Iterable[_Loop]:
    """The runs that are loops, shortest cycles first."""
    for length in range(1, MAX_CYCLE + 1):
        for match in MATCHES:
            run = state.runs.get(f"{length}{match[0]}")
            if run is None:
                continue
            rounds = rounds_of(state, run, length)
            stale = run["stale"] >= max(1, (repeats - 2) * length)
            if (rounds >= repeats and stale) or (rounds >= 2 * repeats and match == "identical"):
                yield _Loop(length, match, run, rounds)


def _found(state: RepetitionState, loop: _Loop, revision: int, repeats: int, context: Context) -> Found:
    run, totals = loop.run, context.session.totals
    round_ = sorted(state.calls[-loop.length :], key=lambda call: (call["index"] - run["index"]) % loop.length)
    evidence = Loop(
        cycle=[call["tool"] for call in round_],
        rounds=loop.rounds,
        calls=state.count - run["index"],
        match=loop.match,
        arguments=[call["outline"] for call in round_],
        tokens=max(0, totals.tokens - run["tokens"]),
        seconds=max(0, context.at_us - run["at_us"]) / 1_000_000,
        cost_usd=max(0.0, totals.cost_usd - run["cost_usd"]) if totals.priced_requests else None,
    )
    return Found(
        about=("loop", run["event_id"]),
        severity="high" if loop.rounds >= 2 * repeats else "medium",
        summary=_summary(evidence),
        evidence=evidence,
        first_event_id=run["event_id"],
        first_us=run["at_us"],
        revision=revision,
    )


def _summary(loop: Loop) -> str:
    way = "with the same arguments" if loop.match == "identical" else "with nearly the same arguments"
    what = f"called {loop.cycle[0]}" if len(loop.cycle) == 1 else f"went round {', '.join(loop.cycle)}"
    cost = "" if loop.cost_usd is None else f" and ${loop.cost_usd:,.4f}"
    return (
        f"The agent {what} {loop.rounds} times {way} and learned nothing new: "
        f"{loop.calls} calls, {loop.tokens:,} tokens{cost} so far."
    )
