"""What a session is made of: from the options that the host gives to header, identity, clock and beginning."""

from __future__ import annotations

import importlib.metadata
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any, Final, get_args

from pydantic import ValidationError

from watchkeeper.producers.identity import Clock, Identity, LiveIdentity, stopwatch, system_clock
from watchkeeper.producers.recording.boundary import LOG
from watchkeeper.producers.writing.encoding import Exact, freeze
from watchkeeper.producers.writing.headers import Header, fit_attributes, fit_turn
from watchkeeper.producers.writing.names import identifier, label, span_id, trace_id
from watchkeeper.schemas.envelope import RetentionClass
from watchkeeper.schemas.policy import AgentPolicy, Caps

if TYPE_CHECKING:
    from watchkeeper.producers.identity import Clock, Identity
    from watchkeeper.producers.obeying.orders import Scope
    from watchkeeper.producers.options import SessionOptions
    from watchkeeper.producers.tools import Toolbox
    from watchkeeper.schemas.policy import Masking, Mode

RETENTION_CLASSES: Final = get_args(RetentionClass)
_TOLD: Final = ("goal", "intent", "model", "provider", "prompt_version", "reasoning_exposed")


def _sdk() -> str:
    try:
        return f"watchkeeper-python/{importlib.metadata.version('watchkeeper')}"
    except importlib.metadata.PackageNotFoundError:
        return "watchkeeper-python"


SDK: Final = _sdk()
IMPORTED: Final = "watchkeeper-import"
"""What a recording is told by. Without a version: the same recording must give the same bytes after an upgrade."""


@dataclass(frozen=True, slots=True)
class Opening:
    """All that makes a session.

    Attributes:
        header: what its events share.
        identity: how it numbers and names.
        clock: epoch microseconds.
        stopwatch: microseconds, for durations.
        scopes: whom a command must address to reach it, nearest first, with the mode by which it is obeyed.
        started: the fields of `session_started`; None for a writer that neither begins nor ends the session.
        maskings: by what its texts are masked: its policy's section, then those of the sessions it was delegated by,
            as it is handed what they know.
    """

    header: Header
    identity: Identity
    clock: Clock
    stopwatch: Clock
    scopes: Mapping[Scope, Mode]
    started: Mapping[str, Any] | None = field(repr=False)
    maskings: tuple[Masking, ...]


@dataclass(frozen=True)
class Charter:
    """An agent, its policy, and what all its sessions share.

    Attributes:
        header: a header without a session.
        policy: the policy that its sessions run under.
    """

    header: Header
    policy: AgentPolicy

    @cached_property
    def policy_text(self) -> bytes:
        """The policy's canonical form, encoded once."""
        return self.policy.canonical()


def open_session(charter: Charter, options: SessionOptions, toolbox: Toolbox, *, resumed: bool = False) -> Opening:
    """What a session is made of that begins here, or goes on here (`resumed`)."""
    identity = options.get("identity") or LiveIdentity()
    header = _header(charter, options, identity, parent=None)
    started = _started(charter, options, toolbox, resumed=resumed)
    masking = charter.policy.masking
    return _opening(header, identity, options.get("clock"), _scopes(charter, header), started, maskings=(masking,))


def attach_writer(charter: Charter, options: SessionOptions) -> Opening:
    """A writer that neither begins nor ends its session."""
    identity = options.get("identity") or LiveIdentity()
    header = _header(charter, options, identity, parent=None)
    masking = charter.policy.masking
    return _opening(header, identity, options.get("clock"), _scopes(charter, header), None, maskings=(masking,))


def open_child(
    charter: Charter, options: SessionOptions, toolbox: Toolbox, parent: Opening, grant: dict[str, Any]
) -> tuple[Opening, dict[str, Any]]:
    """What the session of another agent is made of, to which `parent` delegates.

    Returns:
        The child's opening, and the fields of the parent's `delegation` event.
    """
    if grant["task"] is not None:
        options = {"goal": grant["task"], **options}
    # A recorded parent's child is recorded too.
    identity = options.get("identity") or parent.identity.child(grant["delegation_id"])
    recorded = options.get("clock") or (parent.clock if parent.clock is parent.stopwatch else None)
    header = _header(charter, options, identity, parent.header)
    scopes = {**_scopes(charter, header), **parent.scopes}
    started = _started(charter, options, toolbox, resumed=False)
    delegation = {**grant, "child_session_id": header.session_id, "child_agent_id": header.agent_id}
    maskings = (charter.policy.masking, *(one for one in parent.maskings if one != charter.policy.masking))
    return _opening(header, identity, recorded, scopes, started, maskings=maskings), delegation


def _opening(
    header: Header,
    identity: Identity,
    recorded: Clock | None,
    scopes: Mapping[Scope, Mode],
    started: Mapping[str, Any] | None,
    *,
    maskings: tuple[Masking, ...],
) -> Opening:
    return Opening(
        header=header,
        identity=identity,
        clock=recorded or system_clock,
        stopwatch=recorded or stopwatch,
        scopes=scopes,
        started=started,
        maskings=maskings,
    )


def _header(charter: Charter, options: SessionOptions, identity: Identity, parent: Header | None) -> Header:
    base = charter.header
    inherited = parent or base
    retention = options.get("retention_class")
    return base.with_(
        session_id=identifier(options.get("session_id")) or identity.new_id("session"),
        root_session_id=identifier(options.get("root_session_id")) or _root_of(parent),
        parent_session_id=identifier(options.get("parent_session_id")) or (parent.session_id if parent else ""),
        workflow=label(freeze(options.get("workflow"))) or inherited.workflow,
        step=label(freeze(options.get("step"))),
        turn=fit_turn(options.get("turn")),
        retention_class=retention if retention in RETENTION_CLASSES else inherited.retention_class,
        trace_id=trace_id(options.get("trace_id") or inherited.trace_id),
        span_id=span_id(options.get("span_id") or inherited.span_id),
        user_id=label(freeze(options.get("user_id"))) or inherited.user_id,
        customer_id=label(freeze(options.get("customer_id"))) or inherited.customer_id,
        attributes=fit_attributes(options.get("attributes") or {}),
    )


def _root_of(parent: Header | None) -> str:
    return "" if parent is None else parent.root_session_id or parent.session_id


def _scopes(charter: Charter, header: Header) -> dict[Scope, Mode]:
    mode = charter.policy.mode
    return {
        ("session", header.session_id): mode,
        ("agent", header.agent_id): mode,
        ("tenant", header.tenant_id): mode,
    }


def _started(charter: Charter, options: SessionOptions, toolbox: Toolbox, *, resumed: bool) -> dict[str, Any]:
    started: dict[str, Any] = {name: options.get(name) for name in _TOLD}
    return started | {
        "tools": toolbox.listed(options.get("tools")),
        "policy_name": charter.policy.agent,
        "policy_version": charter.policy.version,
        "policy": Exact(charter.policy_text),
        "caps": _caps(options.get("caps")),
        "sdk": IMPORTED if charter.header.origin == "import" else SDK,
        "resumed": resumed or None,
    }


def _caps(given: Caps | Mapping[str, float] | None) -> dict[str, Any] | None:
    if given is None:
        return None
    try:
        caps = given if isinstance(given, Caps) else Caps.model_validate(dict(given))
    except (ValidationError, TypeError, ValueError) as error:
        faults = error.errors() if isinstance(error, ValidationError) else []
        fields = [".".join(map(str, fault["loc"])) for fault in faults]
        LOG.warning(
            "The caps given for a session cannot be used (%s) and are ignored: the policy's hold. "
            "Give numbers above 0 for tool_calls, tokens, wall_clock_seconds or cost_usd.",
            ", ".join(fields) or type(error).__name__,
        )
        return None
    return caps.model_dump(exclude_none=True) or None
