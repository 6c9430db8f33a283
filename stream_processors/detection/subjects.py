"""Stage 2: folds the signals of one subject into findings that no single session can show.

Signals of one source partition arrive in order: the topic is keyed by subject, and one worker at a time owns the
source partition. After a crash they are produced again, with the same positions. So a subject keeps a watermark for
each source partition of each topic and takes in only what is newer. What a tick found has no position; rules make its
repeat harmless.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, fields
from typing import Any, NamedTuple

import orjson

from watchkeeper.schemas.envelope import Origin
from watchkeeper.schemas.evidence import Unjudged
from watchkeeper.schemas.failure_modes import runbook_of
from watchkeeper.schemas.findings import Finding
from watchkeeper.schemas.ids import derived_id
from watchkeeper.schemas.model import from_us, to_us
from watchkeeper.schemas.signals import Signal
from watchkeeper.stream_processors.detection.catalogue import default_subject_rules
from watchkeeper.stream_processors.detection.detector import Found
from watchkeeper.stream_processors.detection.hearing import Verdict, command_of, shortened
from watchkeeper.stream_processors.detection.subject_rule import SubjectRule

STATE_VERSION = 1


@dataclass(slots=True)
class SubjectState:
    """One subject.

    Attributes:
        version: the stored row's version; grows with every write.
        offset: the highest offset of the signals' topic applied, in `log`; see `reading`, as for the next two.
        log: the broker's log that it was read from.
        passed: offsets of earlier logs, together.
        watermarks: the last position taken in, as `[log, offset, ordinal]`, by source partition (`7`, `scores/7`).
        silenced: rules that failed on this subject: told once.
        folds: each rule's state as `[state version, state]`, by rule id.
    """

    subject: str
    tenant_id: str
    origin: Origin
    agent_id: str
    version: int = 0
    offset: int = -1
    log: str = ""
    passed: int = 0
    watermarks: dict[str, list[Any]] = field(default_factory=dict)
    silenced: list[str] = field(default_factory=list)
    folds: dict[str, list[Any]] = field(default_factory=dict)

    def dump(self) -> bytes:
        """The state as JSON; rules' states are dataclasses and go with it."""
        return orjson.dumps({"v": STATE_VERSION, "s": self})


_FIELDS = {item.name for item in fields(SubjectState)}


def load_subject(raw: bytes | str) -> SubjectState | None:
    """The inverse of `SubjectState.dump`; None where another version of the code wrote it."""
    document = orjson.loads(raw)
    if document.get("v") != STATE_VERSION:
        return None
    return SubjectState(**{name: value for name, value in document["s"].items() if name in _FIELDS})


class _Hearing(NamedTuple):
    """One signal before the rules, and the verdict that grows from it."""

    state: SubjectState
    signal: Signal
    clock_us: int
    verdict: Verdict


class SubjectJudge:
    """Judges subjects. It holds none: states are handed in and changed in place.

    Args:
        rules: the rules of stage 2; those of the product without.
        acting: origins whose sessions may be commanded.
        strict: raises what a rule raises, for tests. Otherwise that rule's silence is told as a finding.
    """

    def __init__(
        self,
        rules: Iterable[SubjectRule[Any]] | None = None,
        *,
        acting: frozenset[Origin] = frozenset({"live"}),
        strict: bool = False,
    ) -> None:
        self.rules = default_subject_rules() if rules is None else tuple(rules)
        self._acting = acting
        self._strict = strict
        self._by_kind: dict[str, tuple[SubjectRule[Any], ...]] = {}
        for rule in self.rules:
            for kind in rule.listens:
                self._by_kind[kind] = (*self._by_kind.get(kind, ()), rule)
        self._hearers = tuple(rule for rule in self.rules if type(rule).hear is not SubjectRule.hear)

    @staticmethod
    def open(signal: Signal) -> SubjectState:
        """The state of a subject of which this is the first signal to be seen."""
        return SubjectState(signal.subject, signal.tenant_id, signal.origin, signal.agent_id)

    def step(self, state: SubjectState, signal: Signal, *, clock_us: int) -> Verdict:
        """Takes a signal in; one that is not newer than its source's watermark changes nothing."""
        verdict = Verdict(at_us=to_us(signal.occurred_at))
        if not _is_newer(state, signal):
            return verdict
        hearing = _Hearing(state, signal, clock_us, verdict)
        for rule in self._by_kind.get(signal.kind, ()):
            said = self._ask(rule, state, rule.fold, signal)
            made = self._add(hearing, rule, said)
            for hearer in self._hearers if made else ():
                for finding in made if hearer is not rule else ():
                    self._add(hearing, hearer, self._ask(hearer, state, hearer.hear, finding, signal))
        return verdict

    def _ask(
        self, rule: SubjectRule[Any], state: SubjectState, question: Callable[..., Iterable[Found]], *shown: Any
    ) -> tuple[Found, ...]:
        try:
            return tuple(question(_fold(state, rule), *shown))
        except Exception as error:
            if self._strict:
                raise
            if rule.rule_id in state.silenced:
                return ()
            state.silenced.append(rule.rule_id)
            return (_silenced(rule, error),)

    def _add(self, hearing: _Hearing, rule: SubjectRule[Any], said: tuple[Found, ...]) -> list[Finding]:
        """Makes findings, and commands, of what a rule said."""
        state, made = hearing.state, []
        for found in said:
            finding = _finding(rule, state, hearing.signal, found, hearing.clock_us)
            made.append(finding)
            clock_us, until_us = hearing.clock_us, found.until_us
            if found.action is None or found.target is None or state.origin not in self._acting:
                continue
            if until_us is None or until_us > clock_us:
                command = command_of(
                    finding,
                    found.action,
                    found.target,
                    found.tool_name,
                    clock_us,
                    until_us=until_us,
                    fallback=found.fallback,
                )
                hearing.verdict.commands.append(command)
        hearing.verdict.findings += made
        return made


def _is_newer(state: SubjectState, signal: Signal) -> bool:
    """Whether the signal was not taken in before, as far as its position tells; moves the watermark."""
    if signal.source_offset is None:
        return True
    position = [signal.source_offset, signal.ordinal]
    source = source_of(signal)
    log, *taken = state.watermarks.get(source, [signal.source_log, -1, -1])
    # A broker that forgot everything counts from 0 again: in another log, positions begin anew.
    if log == signal.source_log and position <= taken:
        return False
    state.watermarks[source] = [signal.source_log, *position]
    return True


def source_of(signal: Signal) -> str:
    """What the watermark of a signal's source is called: partitions of two topics have the same numbers."""
    topic, number = signal.from_topic, signal.source_partition
    return f"{topic}/{number}" if topic else str(number)


def _fold(state: SubjectState, rule: SubjectRule[Any]) -> Any:
    stored = state.folds.get(rule.rule_id)
    if stored is None or stored[0] != rule.state_version:
        stored = state.folds[rule.rule_id] = [rule.state_version, rule.state_type()]
    elif type(stored[1]) is dict:
        stored[1] = rule.state_type(**stored[1])
    return stored[1]


def _finding(rule: SubjectRule[Any], state: SubjectState, signal: Signal, found: Found, clock_us: int) -> Finding:
    at_us = to_us(signal.occurred_at) if found.at_us is None else found.at_us
    return Finding(
        finding_id=derived_id("finding", state.subject, rule.rule_id, rule.rule_version, *found.about),
        revision=found.revision,
        status=found.status,
        tenant_id=state.tenant_id,
        session_id=found.session_id,
        subject=state.subject,
        agent_id=found.agent_id or signal.agent_id,
        origin=state.origin,
        failure_mode=rule.failure_mode,
        kind=found.evidence.kind,
        severity=found.severity,
        rule_id=rule.rule_id,
        rule_version=rule.rule_version,
        summary=shortened(found.summary),
        evidence=found.evidence,
        first_event_id=found.first_event_id,
        first_event_at=from_us(at_us if found.first_us is None else found.first_us),
        last_event_at=from_us(at_us),
        detected_at=from_us(clock_us),
        runbook=runbook_of(rule.failure_mode),
    )


def _silenced(rule: SubjectRule[Any], error: Exception) -> Found:
    return Found(
        about=("unjudged", "failed"),
        severity="medium",
        summary=f"The rule {rule.rule_id} failed on this subject and cannot judge it.",
        evidence=Unjudged(detector=rule.rule_id, reason=type(error).__name__),
    )
