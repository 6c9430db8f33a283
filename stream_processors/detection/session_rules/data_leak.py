"""Secrets, data of persons, planted values and other customers' ids that leave through a tool or an answer.

What it sees. Arguments of tool calls and answers (`response` marked as one, and the session's last), against what the
agent read (results, retrieved documents, its system prompt) and what the user said. `data_leaked`:

- to a *sink* (a tool that the policy names): anything of `leaks.kinds` that the user did not give, unless the sink may
  receive it (secrets high, the rest medium);
- by an answer: what is in `leaks.answers` (secrets, by default) and stood in what the agent read, not in what the user
  said (high);
- by a tool that its name says to send, publish or export, though no policy names it: a secret, by its form, that stood
  in what the agent read (high);
- a canary of the policy, in any call or answer (critical);
- the id of another customer that the agent read, in an answer or to a sink, where the policy says how ids look (high).

Taken back where the guard refused the call.

Method. A `SecretScanner` finds values in the clear: `leak_scan.KnownForms` (forms of keys, checksums of numbers;
published examples are none), or another that the host hands in. What the producer masked is found by its pseudonym, or,
where a masker of the user's own leaves none, by the event's count. States keep digests of what was read and said, not
values. Canaries are compared without case, spaces and dashes, and in base64.

Parameters. `MAX_VALUES` 64 of each; the section `leaks` of the policy. Without a policy: secrets in answers, and by
tools that send. Personal data leave honestly all the time, so without a policy nothing is said of them.

What it gets wrong. What is encoded, paraphrased, split or spelled out is not seen (canaries in base64 are). A secret
that the agent is meant to hand over (a first password, a share link with a token) is accused: empty `leaks.answers`.
Names, addresses and free text of other customers are not told from one's own; ids are. With constants in place of
pseudonyms (`[secret]`, imports) it cannot be told where a masked value is from: only sinks are judged. Not read are
texts too long to travel with their events, and an answer that repeats a whole content letter for letter: it comes by
address alone.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field

from watchkeeper.schemas.contents import Content
from watchkeeper.schemas.events import (
    Event,
    Prompt,
    Response,
    Retrieval,
    SessionEnded,
    SessionStarted,
    ToolCall,
    ToolResult,
)
from watchkeeper.schemas.evidence import DataLeaked
from watchkeeper.schemas.policy_leaks import Leaks
from watchkeeper.schemas.wildcards import covers
from watchkeeper.stream_processors.detection.calls import Call, call_of
from watchkeeper.stream_processors.detection.deeds import deed_of
from watchkeeper.stream_processors.detection.detector import Context, Detector, Said
from watchkeeper.stream_processors.detection.handles import brief, holds, note
from watchkeeper.stream_processors.detection.leak_scan import KnownForms, SecretScanner, Spotted, masked_in
from watchkeeper.stream_processors.detection.message_texts import said_in
from watchkeeper.stream_processors.detection.session_rules.kept_findings import Kept, keep, settle
from watchkeeper.stream_processors.detection.session_rules.leaked_values import (
    MAX_VALUES,
    canaries_in,
    counted_in,
    findings_of,
    ids_in,
    texts_in,
)

MAX_TOLD = 16
_OUTWARD = frozenset({"send", "publish", "export"})
_CONSTANT = re.compile(r"\[[a-z]+\]")


@dataclass(slots=True)
class DataLeakState:
    """What is kept between events.

    Attributes:
        read: digests of what results, documents and the system prompt hold.
        said: digests of what users gave.
        others: digests of the ids of other customers that were read.
        canaries: names of canaries that the user named himself.
        told: findings so far.
        kept: findings whose calls wait for their results.
    """

    read: str = ""
    said: str = ""
    others: str = ""
    canaries: list[str] = field(default_factory=list)
    told: int = 0
    kept: list[Kept] = field(default_factory=list)


class DataLeak(Detector[DataLeakState]):
    """See the module.

    Args:
        scanner: finds values in the clear; `KnownForms`, if None.
    """

    rule_id = "data_leak"
    failure_mode = "data_leak"
    rule_version = 2
    listens = frozenset(
        {"session_started", "prompt", "tool_call", "tool_result", "retrieval", "response", "session_ended"}
    )
    state_type = DataLeakState

    def __init__(self, scanner: SecretScanner | None = None) -> None:
        self._scanner = scanner or KnownForms()

    def step(self, state: DataLeakState, event: Event, context: Context) -> Iterable[Said]:
        """See `Detector.step`."""
        if type(event) is ToolCall:
            return self._judge_call(state, event, context)
        if type(event) is ToolResult:
            self._read(state, event.data.result, context)
            return settle(state.kept, event) if state.kept else ()
        if type(event) is Response:
            return self._judge_answer(state, event.data.text, context) if event.data.answer else ()
        if type(event) is SessionEnded:
            return self._judge_answer(state, event.data.answer, context)
        self._take_in(state, event, context)
        return ()

    def _take_in(self, state: DataLeakState, event: Event, context: Context) -> None:
        if type(event) is Prompt:
            if event.data.system is not None:
                self._read(state, event.data.system, context)
            for role, text in said_in(event.data):
                if role == "user":
                    self._hear(state, text, context)
        elif type(event) is Retrieval:
            for document in event.data.documents:
                self._read(state, document.content, context)
        elif type(event) is SessionStarted and event.data.goal is not None:
            self._hear(state, event.data.goal.text or "", context)

    def _hear(self, state: DataLeakState, text: str, context: Context) -> None:
        leaks = context.policy.leaks
        spotted = self._spotted(text)
        if spotted:
            state.said = note(state.said, (one.value for one in spotted), MAX_VALUES)
        if leaks.customer_ids is not None:
            state.said = note(state.said, ids_in(leaks.customer_ids, text), MAX_VALUES)
        if leaks.canaries:
            state.canaries += [name for name in canaries_in(leaks, text) if name not in state.canaries]

    def _read(self, state: DataLeakState, content: Content | None, context: Context) -> None:
        text = None if content is None else content.text
        if text is None:
            return
        spotted = self._spotted(text)
        if spotted:
            state.read = note(state.read, (one.value for one in spotted), MAX_VALUES)
        pattern = context.policy.leaks.customer_ids
        if pattern is not None:
            own = context.session.customer_id
            state.others = note(state.others, (one for one in ids_in(pattern, text) if one != own), MAX_VALUES)

    def _spotted(self, text: str) -> Sequence[Spotted]:
        found = self._scanner.find(text)
        return [*found, *masked_in(text)] if "[" in text else found

    def _judge_call(self, state: DataLeakState, event: ToolCall, context: Context) -> Iterable[Said]:
        if state.told >= MAX_TOLD:
            return ()
        leaks, name = context.policy.leaks, event.data.tool_name
        is_sink = bool(leaks.sinks) and any(covers(pattern, name) for pattern in leaks.sinks)
        if not (is_sink or leaks.canaries or state.read):
            return ()
        call = call_of(event, context)
        found: list[DataLeaked] = []
        if is_sink:
            found = list(self._to_a_sink(state, call, context))
            found += counted_in(event, leaks, found)
        elif state.read and (done := deed_of(call)) is not None and done.deed in _OUTWARD:
            found = [
                _leaked(one, path, state, call)
                for path, text in texts_in(call.arguments, "", 0)
                for one in self._scanner.find(text)
                if one.kind == "secret" and holds(state.read, brief(one.value)) and not _was_said(state, one)
            ]
        if leaks.canaries:
            found += _planted(state, leaks, call)
        told = findings_of(found, event.event_id, _by_call(call))
        state.told += len(told)
        if told:
            keep(state.kept, call.call_id, event.event_id, context.at_us, told)
        return told

    def _to_a_sink(self, state: DataLeakState, call: Call, context: Context) -> Iterator[DataLeaked]:
        leaks = context.policy.leaks
        may = leaks.may_receive.get(call.tool_name, [])
        for path, text in texts_in(call.arguments, "", 0):
            for one in self._spotted(text):
                if one.kind in leaks.kinds and one.kind not in may and not _was_said(state, one):
                    yield _leaked(one, path, state, call)
            yield from _of_others(state, text, context, path, call)

    def _judge_answer(self, state: DataLeakState, content: Content | None, context: Context) -> Iterable[Said]:
        text = None if content is None else content.text
        if text is None or content is None or state.told >= MAX_TOLD:
            return ()
        leaks = context.policy.leaks
        found = []
        if state.read and leaks.answers:
            found = [
                _leaked(one, "", state, None)
                for one in self._spotted(text)
                if one.kind in leaks.answers
                and holds(state.read, brief(one.value))
                and not _was_said(state, one)
                and not _CONSTANT.fullmatch(one.value)
            ]
        found += _of_others(state, text, context, "", None)
        if leaks.canaries:
            found += _planted_in(state, leaks, text, "", None)
        told = findings_of(found, content.address, "in an answer")
        state.told += len(told)
        return told


def _by_call(call: Call) -> str:
    return f"through {call.tool_name}"


def _was_said(state: DataLeakState, one: Spotted) -> bool:
    return holds(state.said, brief(one.value))


def _leaked(one: Spotted, path: str, state: DataLeakState, call: Call | None) -> DataLeaked:
    return DataLeaked(
        what=one.kind,
        via="answer" if call is None else "tool_call",
        tool_name="" if call is None else call.tool_name,
        tool_call_id="" if call is None else call.call_id,
        path=path,
        offset=one.start,
        length=one.end - one.start,
        masked=one.value.startswith("["),
        was_read=holds(state.read, brief(one.value)),
    )


def _of_others(state: DataLeakState, text: str, context: Context, path: str, call: Call | None) -> Iterator[DataLeaked]:
    leaks = context.policy.leaks
    if leaks.customer_ids is None or not state.others:
        return
    for one in ids_in(leaks.customer_ids, text):
        if one != context.session.customer_id and holds(state.others, brief(one)) and not holds(state.said, brief(one)):
            place = text.find(one)
            yield DataLeaked(
                what="other_customer",
                via="answer" if call is None else "tool_call",
                tool_name="" if call is None else call.tool_name,
                tool_call_id="" if call is None else call.call_id,
                path=path,
                offset=max(0, place),
                length=len(one),
                was_read=True,
            )


def _planted(state: DataLeakState, leaks: Leaks, call: Call) -> list[DataLeaked]:
    return [
        one for path, text in texts_in(call.arguments, "", 0) for one in _planted_in(state, leaks, text, path, call)
    ]


def _planted_in(state: DataLeakState, leaks: Leaks, text: str, path: str, call: Call | None) -> list[DataLeaked]:
    return [
        DataLeaked(
            what="canary",
            via="answer" if call is None else "tool_call",
            tool_name="" if call is None else call.tool_name,
            tool_call_id="" if call is None else call.call_id,
            path=path,
            length=len(text),
            canary=name,
        )
        for name in canaries_in(leaks, text)
        if name not in state.canaries
    ]
