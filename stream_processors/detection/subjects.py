"""Stage 2: folds the signals of one subject into findings that no single session can show.

Signals of one source partition arrive in order: the topic is keyed by subject, and one worker at a time owns the
source partition. After a crash they are produced again, with the same positions. So a subject keeps a watermark for
each source partition and takes in only what is newer. What a tick found has no position; rules make its repeat
harmless.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field, fields
from typing import Any

import orjson

from watchkeeper.schemas.envelope import Origin
from watchkeeper.schemas.evidence import Unjudged
from watchkeeper.schemas.failure_modes import runbook_of
from watchkeeper.schemas.findings import Finding
from watchkeeper.schemas.ids import derived_id
from watchkeeper.schemas.model import from_us, to_us
from watchkeeper.schemas.signals import Signal
from watchkeeper.stream_processors.detection.capped_share import CappedShareRule
from watchkeeper.stream_processors.detection.detector import Found
from watchkeeper.stream_processors.detection.hearing import shortened
from watchkeeper.stream_processors.detection.subject_rule import SubjectRule

STATE_VERSION = 1


@dataclass(slots=True)
class SubjectState:
    """One subject.

    Attributes:
        version: the stored row's version; grows with every write.
        watermarks: the last position taken in, as `[log, offset, ordinal]`, by source partition.
        silenced: rules that failed on this subject: told once.
        folds: each rule's state as `[state version, state]`, by rule id.
    """

    subject: str
    tenant_id: str
    origin: Origin
    agent_id: str
    version: int = 0
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


class SubjectJudge:
    """Judges subjects. It holds none: states are handed in and changed in place.

    Args:
        rules: the rules of stage 2; those of the product without.
        strict: raises what a rule raises, for tests. Otherwise that rule's silence is told as a finding.
    """

    def __init__(self, rules: Iterable[SubjectRule[Any]] | None = None, *, strict: bool = False) -> None:
        self.rules = (CappedShareRule(),) if rules is None else tuple(rules)
        self._strict = strict

    @staticmethod
    def open(signal: Signal) -> SubjectState:
        """The state of a subject of which this is the first signal to be seen."""
        return SubjectState(signal.subject, signal.tenant_id, signal.origin, signal.agent_id)

    def step(self, state: SubjectState, signal: Signal, *, clock_us: int) -> list[Finding]:
        """Takes a signal in; one that is not newer than its source's watermark changes nothing."""
        if not _is_newer(state, signal):
            return []
        findings: list[Finding] = []
        for rule in self.rules:
            try:
                findings += [
                    _finding(rule, state, signal, one, clock_us) for one in rule.fold(_fold(state, rule), signal)
                ]
            except Exception as error:
                if self._strict:
                    raise
                if rule.rule_id not in state.silenced:
                    state.silenced.append(rule.rule_id)
                    findings.append(_finding(rule, state, signal, _silenced(rule, error), clock_us))
        return findings


def _is_newer(state: SubjectState, signal: Signal) -> bool:
    """Whether the signal was not taken in before, as far as its position tells; moves the watermark."""
    if signal.source_offset is None:
        return True
    position = [signal.source_offset, signal.ordinal]
    source = str(signal.source_partition)
    log, *taken = state.watermarks.get(source, [signal.source_log, -1, -1])
    # A broker that forgot everything counts from 0 again: in another log, positions begin anew.
    if log == signal.source_log and position <= taken:
        return False
    state.watermarks[source] = [signal.source_log, *position]
    return True


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
        subject=state.subject,
        agent_id=state.agent_id,
        origin=state.origin,
        failure_mode=rule.failure_mode,
        kind=found.evidence.kind,
        severity=found.severity,
        rule_id=rule.rule_id,
        rule_version=rule.rule_version,
        summary=shortened(found.summary),
        evidence=found.evidence,
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
