"""Policies in force: who runs under which, since when, what they say, and what is unwise in them."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from typing import Final

from starlette.responses import Response

from watchkeeper.dashboards.console.errors import NotThereError
from watchkeeper.dashboards.console.policy_source import PolicyUse
from watchkeeper.dashboards.console.visit import Page, Visit
from watchkeeper.schemas.policy import CAP_NAMES, AgentPolicy, ToolPolicy
from watchkeeper.schemas.policy_tools import Bound

DAYS: Final = 30
_NO_ADDRESS: Final = "default"
"""Stands in a path for the policy that holds where sessions bring none."""


def policies(visit: Visit) -> Response:
    """All policies under which sessions of late began."""
    uses = visit.sources.policies.uses(visit.query("tenant"), visit.now - timedelta(days=DAYS))
    return visit.show(
        "policies.html",
        "Policies",
        in_force=[one for one in uses if one.in_force],
        earlier=[one for one in uses if not one.in_force],
        tenant=visit.query("tenant"),
        days=DAYS,
    )


def policy(visit: Visit) -> Response:
    """One policy."""
    address = "" if visit.path["address"] == _NO_ADDRESS else visit.path["address"]
    tenant, agent = visit.query("tenant"), visit.query("agent")
    uses = [one for one in _uses(visit) if one.address == address and agent in {"", one.agent_id}]
    if not uses:
        raise NotThereError(
            f"no session of the last {DAYS} days ran under the policy {visit.path['address'][:80]}: see Policies"
        )
    first = uses[0]
    found = visit.sources.policies.text(tenant or first.tenant_id, agent or first.agent_id, address)
    body = found.policy
    return visit.show(
        "policy.html",
        f"Policy of {agent or first.agent_id}",
        text=found,
        policy=body,
        uses=uses,
        caps=[] if body is None else [(name, getattr(body.caps, name)) for name in CAP_NAMES],
        tools=[] if body is None else list(_tools(body)),
        days=DAYS,
    )


def _uses(visit: Visit) -> list[PolicyUse]:
    return visit.sources.policies.uses(visit.query("tenant"), visit.now - timedelta(days=DAYS))


def _tools(body: AgentPolicy) -> Iterator[tuple[str, ToolPolicy, list[str]]]:
    """Each tool, with what is asked of its calls in words."""
    for name, tool in body.tools.items():
        yield name, tool, list(_asked(tool))


def _asked(tool: ToolPolicy) -> Iterator[str]:
    approval, limit = tool.approval, tool.rate_limit
    if approval is not None and approval.above is not None:
        yield f"a person's approval where {approval.argument} is above {approval.above:g}"
    elif approval is not None:
        yield "a person's approval of every call"
    for argument, bound in tool.bounds.items():
        yield from _within(argument, bound)
    for one in tool.require:
        yield one.message or one.condition
    if limit is not None:
        yield f"at most {limit.calls} calls in {limit.seconds:g} s of one {limit.per}"
    if tool.timeout_seconds is not None:
        yield f"an answer within {tool.timeout_seconds:g} s"


def _within(argument: str, bound: Bound) -> Iterator[str]:
    if bound.minimum is not None:
        yield f"{argument} of {bound.minimum:g} or more"
    if bound.maximum is not None:
        yield f"{argument} of {bound.maximum:g} at most"
    if bound.allowed is not None:
        yield f"{argument} one of {', '.join(map(str, bound.allowed))}"
    if bound.pattern is not None:
        yield f"{argument} that matches {bound.pattern}"


PAGES: Final = (
    Page("/policies", policies, menu="Policies", order=64),
    Page("/policies/{address}", policy),
)
