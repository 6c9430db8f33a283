"""What one session knows of delegated authority, told to the delegation tree; `cascading_approval` judges it there.

What it sees. Each delegation of the session; in a session to which work was delegated, each call of a tool whose policy
names the scope that it needs (`tools[name].scope`), and whether it was refused before it ran; the session's end, where
it told something before. It finds nothing itself.

Method. One signal for each. Constraints are reduced before they leave: numbers as they stand, whatever may be personal
as keyed names that can be compared and not read. The session that began the tree acts by nobody's grant: its calls are
not told.

Parameters: `tools[name].scope`, `tools[name].scope_amount` and `delegation` of the session's policy. Without a scope
declared, only delegations are told.

What it gets wrong. A session whose host does not say that it was delegated to (`parent_session_id`) counts as the first
of a tree. A call that is refused after `MAX_RUNNING` further ones were begun stays told. Calls that come late are not
told; delegations are. Arguments that were not recorded have no amount.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from watchkeeper.schemas.argument_paths import values_at
from watchkeeper.schemas.events import Delegation, Event, EventType, SessionEnded, ToolCall, ToolResult
from watchkeeper.schemas.grants import MAX_SCOPES
from watchkeeper.schemas.policy import ToolPolicy
from watchkeeper.schemas.signals import Delegated, ScopedAction, TreeLeft, subject_of
from watchkeeper.stream_processors.detection.boundaries import number_of
from watchkeeper.stream_processors.detection.calls import arguments_of
from watchkeeper.stream_processors.detection.constraints import reduced
from watchkeeper.stream_processors.detection.detector import Context, Detector, Notice, Said, Told
from watchkeeper.stream_processors.detection.fingerprints import short
from watchkeeper.stream_processors.detection.session_rules.kept_findings import never_ran

MAX_RUNNING = 16

_MOST = 1e300
"""An amount above it is told as this: JSON has no infinity."""


@dataclass(slots=True)
class DelegatedAuthorityState:
    """What is kept between events.

    Attributes:
        running: `[call, event]` of told calls without a result.
        told: whether anything was told.
    """

    running: list[list[str]] = field(default_factory=list)
    told: bool = False


class DelegatedAuthority(Detector[DelegatedAuthorityState]):
    """See the module."""

    rule_id = "delegated_authority"
    failure_mode = "cascading_approval"
    listens = frozenset({"delegation", "tool_call", "tool_result", "session_ended"})
    state_type = DelegatedAuthorityState

    def concerns(self, context: Context) -> frozenset[EventType]:
        """See `Detector.concerns`: calls, where the policy gives any tool a scope."""
        scoped = any(tool.scope is not None for tool in context.policy.tools.values())
        return self.listens if scoped else self.listens - {"tool_call", "tool_result"}

    def step(self, state: DelegatedAuthorityState, event: Event, context: Context) -> Iterable[Said]:
        """See `Detector.step`."""
        if type(event) is ToolCall:
            if not context.session.parent_session_id:
                return ()
            tool = context.policy.tools.get(event.data.tool_name)
            return () if tool is None or tool.scope is None else _acted(state, event, tool, context)
        if type(event) is ToolResult:
            return _answered(state, event, context) if state.running else ()
        if type(event) is Delegation:
            return _delegated(state, event, context)
        if type(event) is SessionEnded and state.told:
            return [
                Told(
                    about=(event.event_id,), subject=_tree(context), kind=TreeLeft, values={"event_id": event.event_id}
                )
            ]
        return ()

    def sequence(
        self, state: DelegatedAuthorityState, event: Event, notice: Notice, context: Context
    ) -> Iterable[Said]:
        """See `Detector.sequence`: authority that was handed on is told, however late."""
        return _delegated(state, event, context) if notice.kind == "filled" and type(event) is Delegation else ()


def _tree(context: Context) -> str:
    session = context.session
    return subject_of("tree", session.tenant_id, session.origin, session.root_session_id or session.session_id)


def _delegated(state: DelegatedAuthorityState, event: Delegation, context: Context) -> list[Told]:
    data, session = event.data, context.session
    state.told = True

    def name(value: Any) -> str:
        return context.keys.name(session.tenant_id, "constraint", value)

    values = {
        "event_id": event.event_id,
        "is_first": not session.parent_session_id,
        "delegation_id": data.delegation_id,
        "child_session_id": data.child_session_id,
        "child_agent_id": data.child_agent_id,
        "grant_id": data.grant_id,
        "parent_grant_id": data.parent_grant_id,
        "granted_by": data.granted_by,
        "scope": data.scope[:MAX_SCOPES],
        "delegable": data.delegable[:MAX_SCOPES],
        "more_scopes": max(0, len(data.scope) - MAX_SCOPES) + max(0, len(data.delegable) - MAX_SCOPES),
        "constraints": reduced(data.constraints, name),
        "expires_at": data.expires_at,
        "rules": context.policy.delegation,
    }
    return [Told(about=(event.event_id,), subject=_tree(context), kind=Delegated, values=values)]


def _acted(state: DelegatedAuthorityState, event: ToolCall, tool: ToolPolicy, context: Context) -> list[Told]:
    state.told = True
    state.running.append([short(event.data.tool_call_id), event.event_id])
    del state.running[:-MAX_RUNNING]
    return [_action(event, event.event_id, tool, context, amount=_amount(event, tool))]


def _answered(state: DelegatedAuthorityState, event: ToolResult, context: Context) -> Iterable[Told]:
    call_id = short(event.data.tool_call_id)
    for position, (known, event_id) in enumerate(state.running):
        if known == call_id:
            del state.running[position]
            tool = context.policy.tools.get(event.data.tool_name)
            if tool is not None and tool.scope is not None and never_ran(event):
                return [_action(event, event_id, tool, context, refused=True)]
            break
    return ()


def _action(event: ToolCall | ToolResult, event_id: str, tool: ToolPolicy, context: Context, **more: Any) -> Told:
    values = {
        "event_id": event_id,
        "tool_name": event.data.tool_name,
        "tool_call_id": event.data.tool_call_id,
        "scope": tool.scope,
        "rules": context.policy.delegation,
    }
    return Told(about=(event.event_id,), subject=_tree(context), kind=ScopedAction, values=values | more)


def _amount(event: ToolCall, tool: ToolPolicy) -> float | None:
    """The largest of the numbers that stand there; None where something else stands beside them, or nothing."""
    arguments, unknown = arguments_of(event.data)
    if tool.scope_amount is None or unknown is not None:
        return None
    found = [number_of(value) for _, value in values_at(arguments, tool.scope_amount)]
    numbers = [min(abs(number), _MOST) for number in found if number is not None]
    return max(numbers) if numbers and len(numbers) == len(found) else None
