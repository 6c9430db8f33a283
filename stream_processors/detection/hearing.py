"""One event, or one tick, before the detectors: what they say becomes findings, signals and commands."""

from __future__ import annotations

import traceback
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

from watchkeeper.schemas.control import MAX_COMMAND_SECONDS, Action, Control, Target
from watchkeeper.schemas.events import Event
from watchkeeper.schemas.evidence import Unjudged
from watchkeeper.schemas.failure_modes import SEVERITIES, runbook_of
from watchkeeper.schemas.findings import Finding
from watchkeeper.schemas.ids import derived_id
from watchkeeper.schemas.model import from_us
from watchkeeper.schemas.signals import Signal
from watchkeeper.stream_processors.detection.detector import Context, Detector, Found, Said, Told
from watchkeeper.stream_processors.detection.finding_told import tell_tree
from watchkeeper.stream_processors.detection.pricing import NOTHING_TO_PRICE, Priced

COMMAND_SECONDS = 3600
"""How long a worker's command is in force: longer than any session should still be running after a breach."""

MAX_SUMMARY = 500

_RANKS: dict[str, int] = {severity: rank for rank, severity in enumerate(SEVERITIES)}


class Place(NamedTuple):
    """Where an event stood: a signal that follows from it carries this."""

    partition: int = 0
    offset: int = 0
    line: int = 0


NOWHERE = Place()


@dataclass(slots=True)
class Verdict:
    """What one event, or one tick, led to.

    Attributes:
        at_us: the event's time, 0 for a tick.
        lost: events that its writer lost since it last said so, by reason.
    """

    findings: list[Finding] = field(default_factory=list)
    signals: list[Signal] = field(default_factory=list)
    commands: list[Control] = field(default_factory=list)
    priced: Priced = NOTHING_TO_PRICE
    late: bool = False
    at_us: int = 0
    lost: dict[str, int] | None = None

    def __bool__(self) -> bool:
        return bool(self.findings or self.signals or self.commands)

    def begin_with(self, earlier: Verdict) -> None:
        """Puts first what was found before."""
        self.findings[:0] = earlier.findings
        self.signals[:0] = earlier.signals
        self.commands[:0] = earlier.commands


@dataclass(slots=True)
class Hearing:
    """One event (or tick) before the detectors, and the verdict that grows from it.

    Attributes:
        context: what detectors are shown beside the event.
        event: None at a tick.
        clock_us: the host's clock.
        acts: whether the session's origin may be commanded.
    """

    context: Context
    event: Event | None
    clock_us: int
    place: Place
    acts: bool
    verdict: Verdict

    def take(self, detector: Detector[Any], said: Said) -> None:
        """Takes in what a detector says."""
        if isinstance(said, Found):
            self._found(detector, said)
        elif isinstance(said, Told):
            self._told(said)
        else:
            self.context.session.status = said.status

    def take_all(self, detector: Detector[Any], said: Iterable[Said]) -> None:
        """Takes in all that a detector says."""
        for one in said:
            self.take(detector, one)

    def silence(self, detector: Detector[Any], error: Exception) -> None:
        """A rule that fails must not stop the others, nor pass for one that found nothing: it is told, once."""
        session = self.context.session
        if detector.rule_id in session.silenced:
            return
        session.silenced.append(detector.rule_id)
        # The message may quote the event, which is personal: the type and the line are what a maintainer needs.
        frames = traceback.extract_tb(error.__traceback__)
        where = f" at {Path(frames[-1].filename).name}:{frames[-1].lineno}" if frames else ""
        found = Found(
            about=("unjudged", "failed"),
            severity="medium",
            summary=f"The rule {detector.rule_id} failed on this session and could not judge all of it.",
            evidence=Unjudged(detector=detector.rule_id, reason=f"{type(error).__name__}{where}"),
        )
        self.take(detector, found)

    def _found(self, detector: Detector[Any], said: Found) -> None:
        context = self.context
        finding = self._finding(detector, said)
        self.verdict.findings.append(finding)
        told = tell_tree(finding, context)
        if told is not None:
            self._told(told)
        totals = context.session.totals
        totals.findings += said.revision == 0
        if said.status == "open" and _RANKS[said.severity] > _RANKS.get(totals.worst_severity, -1):
            totals.worst_severity = said.severity
        if said.action is not None and self.acts and context.policy.mode != "observe" and not context.stands_in:
            target = Target(kind="session", id=context.session.session_id)
            self.verdict.commands.append(command_of(finding, said.action, target, said.tool_name, self.clock_us))

    def _told(self, said: Told) -> None:
        session, place = self.context.session, self.place
        self.verdict.signals.append(
            said.kind(  # type: ignore[arg-type] # the kinds of the union are the only subclasses of SignalBase
                signal_id=derived_id(
                    "signal", said.subject, session.tenant_id, session.session_id, said.kind.__name__, *said.about
                ),
                subject=said.subject,
                tenant_id=session.tenant_id,
                origin=session.origin,
                session_id=session.session_id,
                agent_id=session.agent_id,
                occurred_at=from_us(self.context.at_us),
                source_partition=place.partition,
                source_offset=place.offset if self.event else None,
                ordinal=place.line * 256 + len(self.verdict.signals),
                **said.values,
            )
        )

    def _finding(self, detector: Detector[Any], said: Found) -> Finding:
        session, event = self.context.session, self.event
        at_us = self.context.at_us if said.at_us is None else said.at_us
        return Finding(
            finding_id=derived_id(
                "finding", session.tenant_id, session.session_id, detector.rule_id, detector.rule_version, *said.about
            ),
            revision=said.revision,
            status=said.status,
            tenant_id=session.tenant_id,
            session_id=session.session_id,
            root_session_id=session.root_session_id,
            agent_id=session.agent_id,
            agent_version=session.agent_version,
            environment=session.environment,
            origin=session.origin,
            user_id=session.user_id,
            customer_id=session.customer_id,
            failure_mode=detector.failure_mode,
            kind=said.evidence.kind,
            severity=said.severity,
            rule_id=detector.rule_id,
            rule_version=detector.rule_version,
            summary=shortened(said.summary),
            evidence=said.evidence,
            first_event_id=said.first_event_id or (event.event_id if event else None),
            last_event_id=event.event_id if event else None,
            first_event_at=from_us(at_us if said.first_us is None else said.first_us),
            last_event_at=from_us(at_us),
            detected_at=from_us(self.clock_us),
            policy_address=session.policy_address,
            runbook=runbook_of(detector.failure_mode),
        )


def command_of(
    finding: Finding,
    action: Action,
    target: Target,
    tool_name: str,
    clock_us: int,
    *,
    until_us: int | None = None,
    fallback: str = "",
) -> Control:
    """The command that follows from a finding; found again, it is the same command.

    Args:
        finding: what it follows from.
        action: what to do.
        target: who must.
        tool_name: the tool of `circuit_open`.
        clock_us: the host's clock.
        until_us: how long it is in force, if later than that; at most a day. None for `COMMAND_SECONDS`.
        fallback: of `circuit_open`: what to do instead.
    """
    latest_us = clock_us + MAX_COMMAND_SECONDS * 1_000_000
    expires_us = clock_us + COMMAND_SECONDS * 1_000_000 if until_us is None else min(until_us, latest_us)
    return Control(
        command_id=derived_id("control", finding.finding_id, action),
        tenant_id=finding.tenant_id,
        target=target,
        action=action,
        tool_name=tool_name,
        reason=finding.summary,
        fallback=fallback,
        issued_by="worker",
        finding_id=finding.finding_id,
        issued_at=from_us(clock_us),
        expires_at=from_us(expires_us),
    )


def shortened(summary: str) -> str:
    """A summary as findings hold it."""
    return summary if len(summary) <= MAX_SUMMARY else summary[: MAX_SUMMARY - 1] + "…"
