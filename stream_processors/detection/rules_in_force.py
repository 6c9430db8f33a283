"""What a session is judged by: its policy, its caps and its registered tools."""

from __future__ import annotations

from functools import lru_cache
from typing import Any

from watchkeeper.schemas.events import SessionStarted
from watchkeeper.schemas.model import to_us
from watchkeeper.schemas.policy import CAP_NAMES, AgentPolicy, Caps, default_policy
from watchkeeper.stream_processors.detection.detector import Context
from watchkeeper.stream_processors.detection.library import Library, Unusable
from watchkeeper.stream_processors.detection.session import SessionState
from watchkeeper.stream_processors.detection.tools import ToolRegistry

POLICY_ABSENT = Unusable("the policy that the session names was never sent")
TOOLS_ABSENT = Unusable("the list of tools that the session names was never sent")


def context_of(session: SessionState, library: Library) -> Context:
    """What detectors are shown of this session beside its events; made once, until `take_facts` changes it.

    Where a text is missing it is looked for again at every event: it may still arrive.
    """
    known: Context | None = session.context
    if known is not None:
        return known
    policy, no_policy = _policy(session, library)
    tools, no_tools = _tools(session, library)
    caps = _narrowed(policy.caps, session.caps)
    context = Context(
        session=session,
        policy=policy,
        caps=caps,
        cap_levels=_levels(caps, policy.thresholds.cap_warning_share),
        tools=tools,
        unusable=tuple(why for why in (no_policy, no_tools) if why is not None),
        stands_in=no_policy is not None,
    )
    if POLICY_ABSENT not in context.unusable and TOOLS_ABSENT not in context.unusable:
        session.context = context
    return context


def take_facts(session: SessionState, event: SessionStarted, *, late: bool) -> None:
    """Takes in what `session_started` says; one that came late opens nothing again and overrides nothing newer."""
    data = event.data
    session.context = None
    if not data.resumed:
        session.started_us = min(to_us(event.occurred_at), session.started_us) if late else to_us(event.occurred_at)
    if not late:
        session.status = "open"
        session.agent_version = event.agent_version
    session.intent = _newer(session.intent, data.intent, late=late)
    session.model = _newer(session.model, data.model, late=late)
    session.provider = _newer(session.provider, data.provider, late=late)
    if not late or session.reasoning_exposed == "none":
        session.reasoning_exposed = data.reasoning_exposed
    if data.tools is not None and not (late and session.tools_address):
        session.tools_address = data.tools.address
    # Judged to its end by what was pinned at its start: a resumed session does not change its policy.
    if data.policy is not None and not session.policy_address:
        session.policy_address = data.policy.content.address
    if data.caps is not None:
        own = {name: value for name, value in data.caps.model_dump().items() if value is not None}
        session.caps = {name: min(own.get(name, limit), limit) for name, limit in (own | session.caps).items()}


def _newer(known: str, told: str, *, late: bool) -> str:
    return (known or told) if late else (told or known)


def _policy(session: SessionState, library: Library) -> tuple[AgentPolicy, Unusable | None]:
    if not session.policy_address:
        return _default_policy(session.agent_id), None
    named = library.policy(session.policy_address)
    if isinstance(named, AgentPolicy):
        return named, None
    return _default_policy(session.agent_id), named or POLICY_ABSENT


def _tools(session: SessionState, library: Library) -> tuple[ToolRegistry | None, Unusable | None]:
    if not session.tools_address:
        return None, None
    registered = library.tools(session.tools_address)
    if isinstance(registered, ToolRegistry):
        return registered, None
    return None, registered or TOOLS_ABSENT


def _narrowed(caps: Caps, own: dict[str, float]) -> Caps:
    if not own:
        return caps
    limits: dict[str, Any] = {}
    for name in CAP_NAMES:
        limit, narrower = getattr(caps, name), own.get(name)
        limits[name] = limit if narrower is None else narrower if limit is None else min(limit, narrower)
    return Caps.model_construct(**limits)


def _levels(caps: Caps, warning_share: float) -> tuple[tuple[int, float, float], ...]:
    # 80 % of a cap of 35 must not be missed for the last bit of a float.
    limits = [(index, getattr(caps, name)) for index, name in enumerate(CAP_NAMES)]
    return tuple((index, limit * (warning_share - 1e-9), limit) for index, limit in limits if limit is not None)


@lru_cache(maxsize=4096)
def _default_policy(agent_id: str) -> AgentPolicy:
    return default_policy(agent_id)
