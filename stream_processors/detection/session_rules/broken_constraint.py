"""Decisions and calls that a business rule forbids.

What it sees. Each decision against the policy's `constraints` on decisions, over its facts as they were declared and
its `outcome`; each call of a tool that constraints name, over its arguments. One that does not hold is
`constraint_broken`, with the severity that the policy gives it; one that cannot be evaluated (a fact is missing or
not of its type) is broken too. For constraints with `per_customer` each decision or call that `when` picks is told to
stage 2 (`customer_limit`), once it happened: calls when their result says so.

Each decision and call is judged for itself. What the guard refused (`rejected`) did not happen: the finding is taken
back and nothing is counted. Without constraints nothing is said.

Method. `business_rules.rule_on`: conditions in CEL, compiled against the declared facts when the policy was loaded. A
fact that is not what was declared has no value there, so that nothing is decided on what it might have meant.

Parameters: all from the policy.

What it gets wrong. It judges what the agent says that its facts are, not what they were. A decision without a customer
cannot be counted for one: `unjudged` says so once for each constraint, and so for arguments that were not recorded. A
call that is never answered is not counted. Decisions and calls that come late are not judged.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from watchkeeper.schemas.events import Decision, Event, EventType, ToolCall, ToolResult
from watchkeeper.schemas.evidence import ConstraintBroken, Unjudged
from watchkeeper.schemas.evidence.goal_misgeneralization import ConstraintPlace
from watchkeeper.schemas.policy import Constraint
from watchkeeper.schemas.signals import CustomerMet, subject_of
from watchkeeper.stream_processors.detection.business_rules import (
    Ruling,
    applies_to,
    rule_on,
    values_of_call,
    values_of_decision,
)
from watchkeeper.stream_processors.detection.calls import call_of
from watchkeeper.stream_processors.detection.detector import Context, Detector, Found, Said, Told
from watchkeeper.stream_processors.detection.fingerprints import digest, short
from watchkeeper.stream_processors.detection.session_rules.kept_findings import Kept, keep, settle

MAX_RUNNING = 16
"""Calls that are counted for a customer once they are answered."""

MAX_UNJUDGED = 16
_MAX_TEXT = 200
_HAPPENED = frozenset({"ok", "timeout"})


@dataclass(slots=True)
class BrokenConstraintsState:
    """What is kept between events.

    Attributes:
        kept: findings whose calls wait for their results.
        open: `[call, constraint, subject, event]` of calls that will be counted.
        told: digests of what was told as not judged.
    """

    kept: list[Kept] = field(default_factory=list)
    open: list[tuple[str, str, str, str]] = field(default_factory=list)
    told: list[str] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class _Matter:
    """What is judged: a decision or a call."""

    where: ConstraintPlace
    name: str
    reference: str
    event: Decision | ToolCall
    context: Context

    @property
    def customer(self) -> str:
        return self.event.customer_id or self.context.session.customer_id


class BrokenConstraints(Detector[BrokenConstraintsState]):
    """See the module."""

    rule_id = "broken_constraint"
    failure_mode = "goal_misgeneralization"
    listens = frozenset({"decision", "tool_call", "tool_result"})
    state_type = BrokenConstraintsState

    def concerns(self, context: Context) -> frozenset[EventType]:
        """See `Detector.concerns`: without constraints there is nothing to hold to."""
        return self.listens if context.policy.constraints else frozenset()

    def step(self, state: BrokenConstraintsState, event: Event, context: Context) -> Iterable[Said]:
        """See `Detector.step`."""
        if not context.policy.constraints:
            return ()
        if type(event) is Decision:
            data = event.data
            return _judge(state, _Matter("decision", data.name, data.decision_id, event, context))
        if type(event) is ToolCall:
            call = event.data
            said = _judge(state, _Matter("tool_call", call.tool_name, call.tool_call_id, event, context))
            broken = [one for one in said if isinstance(one, Found) and one.evidence.kind != "unjudged"]
            if broken:
                keep(state.kept, call.tool_call_id, event.event_id, context.at_us, broken)
            return said
        if type(event) is ToolResult and (state.kept or state.open):
            return [*settle(state.kept, event), *_count(state, event, context)]
        return ()


def _judge(state: BrokenConstraintsState, matter: _Matter) -> list[Said]:
    policy = matter.context.policy
    concerned = [one for one in policy.constraints if applies_to(one, matter.where, matter.name)]
    if not concerned:
        return []
    values = _values(matter)
    if isinstance(values, str):
        return _unjudged(state, matter.name, f"{matter.name} could not be held to its constraints: {values}")
    said: list[Said] = []
    for constraint in concerned:
        ruling = rule_on(constraint, values, policy.facts)
        if ruling.holds is False:
            said.append(_found(constraint, ruling, matter))
        if constraint.per_customer is not None and ruling.holds is not None:
            said += _met(state, constraint, matter)
    return said


def _values(matter: _Matter) -> dict[str, Any] | str:
    """What conditions may refer to, or why it is not known."""
    event, session = matter.event, matter.context.session
    if isinstance(event, ToolCall):
        call = call_of(event, matter.context)
        return values_of_call(call) if call.unknown is None else call.unknown
    about = {
        "agent": event.agent_id,
        "user": event.user_id or session.user_id,
        "customer": matter.customer,
        "environment": event.environment or session.environment,
    }
    return values_of_decision(event, matter.context.policy, about)


def _found(constraint: Constraint, ruling: Ruling, matter: _Matter) -> Found:
    thing = "The decision" if matter.where == "decision" else "The call of"
    if ruling.unknown:
        why = f"cannot be held to {constraint.name}, which counts as broken: {ruling.unknown}"
    else:
        why = f"breaks {constraint.name}: {constraint.message or ruling.condition}"
    return Found(
        about=(matter.event.event_id, constraint.name),
        severity=constraint.severity,
        summary=f"{thing} {matter.name} {why.rstrip('.')}.",
        evidence=ConstraintBroken(
            constraint=constraint.name,
            where=matter.where,
            name=matter.name,
            reference=matter.reference,
            condition=_shortened(ruling.condition),
            reason="unevaluated" if ruling.unknown else "false",
            got=ruling.unknown,
            message=constraint.message,
        ),
    )


def _met(state: BrokenConstraintsState, constraint: Constraint, matter: _Matter) -> list[Said]:
    """Tells stage 2 of a decision; remembers a call until it is answered."""
    session = matter.context.session
    if not matter.customer:
        reason = f"{constraint.name} is per customer, and it is not known whose {matter.name} this is"
        return _unjudged(state, f"customer/{constraint.name}", reason)
    name = matter.context.keys.name(session.tenant_id, "constraint", session.agent_id, constraint.name, matter.customer)
    subject = subject_of("customer", session.tenant_id, session.origin, name)
    if matter.where == "decision":
        return _told(constraint, subject, matter.where, matter.name, matter.reference)
    # Models repeat the ids of calls: the event's own tells two calls apart.
    state.open.append((short(matter.reference), constraint.name, subject, matter.event.event_id))
    del state.open[:-MAX_RUNNING]
    return []


def _count(state: BrokenConstraintsState, event: ToolResult, context: Context) -> list[Said]:
    call_id = short(event.data.tool_call_id)
    answered = [one for one in state.open if one[0] == call_id]
    if not answered:
        return []
    state.open = [one for one in state.open if one[0] != call_id]
    if event.data.status not in _HAPPENED:
        return []
    constraints = {one.name: one for one in context.policy.constraints}
    told: list[Said] = []
    for _, name, subject, event_id in answered:
        if name in constraints:
            told += _told(constraints[name], subject, "tool_call", event.data.tool_name, event_id)
    return told


def _told(constraint: Constraint, subject: str, where: ConstraintPlace, name: str, reference: str) -> list[Said]:
    if constraint.per_customer is None:
        return []
    values = {
        "constraint": constraint.name,
        "where": where,
        "name": name,
        "reference": reference,
        "limit": constraint.per_customer,
        "severity": constraint.severity,
        "message": constraint.message,
    }
    return [Told(about=(constraint.name, reference), subject=subject, kind=CustomerMet, values=values)]


def _unjudged(state: BrokenConstraintsState, about: str, reason: str) -> list[Said]:
    known = digest(about)
    if known in state.told or len(state.told) >= MAX_UNJUDGED:
        return []
    state.told.append(known)
    return [
        Found(
            about=("unjudged", known),
            severity="low",
            summary=f"Business rules could not all be judged: {reason}.",
            evidence=Unjudged(detector=BrokenConstraints.rule_id, reason=reason),
        )
    ]


def _shortened(text: str) -> str:
    return text if len(text) <= _MAX_TEXT else text[: _MAX_TEXT - 1] + "…"
