"""What can be said about a session when it begins."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final, Literal, TypedDict

from watchkeeper.producers.identity import Clock, Identity
from watchkeeper.producers.writing.headers import Scalar
from watchkeeper.schemas.envelope import RetentionClass
from watchkeeper.schemas.policy import Caps


class SessionOptions(TypedDict, total=False):
    """Keyword arguments of `Watchkeeper.session`, `resume`, `attach` and `Session.delegate`; all optional.

    Attributes:
        session_id: names the session; made up without it.
        user_id: who asked.
        customer_id: about whom.
        goal: what the session is for, as the agent was told.
        intent: the class of request, for reports by intent.
        tools: the tools registered for this agent version: mappings with `name`, `description` and `parameters`
            (JSON Schema), or functions decorated by `Watchkeeper.tool`. Without it: the decorated ones, or, where
            nothing is decorated, "not known". An empty list means "no tools".
        model: the model's name.
        provider: who runs it.
        prompt_version: the version of the prompt template.
        reasoning_exposed: whether the model shows its reasoning.
        caps: limits for this session alone; they may only narrow the policy's.
        workflow: the workflow's name.
        step: the step within it; see `Session.step`.
        turn: the user's turn, from 0; see `Session.turn`.
        attributes: at most 30 short facts for filtering; see `Session.annotate`.
        trace_id: OpenTelemetry trace, 32 hexadecimal digits.
        span_id: OpenTelemetry span, 16 hexadecimal digits.
        retention_class: `standard` or `regulated`.
        root_session_id: the session at the head of the tree, where another process delegated.
        parent_session_id: the session that delegated, where another process did.
        clock: recorded time: answers epoch microseconds in place of the machine's clock. Durations are measured by it.
        identity: recorded names: see `RecordedIdentity`.
    """

    session_id: str
    user_id: str
    customer_id: str
    goal: str
    intent: str
    tools: Sequence[Any]
    model: str
    provider: str
    prompt_version: str
    reasoning_exposed: Literal["full", "summary", "none"]
    caps: Caps | Mapping[str, float]
    workflow: str
    step: str
    turn: int
    attributes: Mapping[str, Scalar]
    trace_id: str
    span_id: str
    retention_class: RetentionClass
    root_session_id: str
    parent_session_id: str
    clock: Clock
    identity: Identity


OPTION_NAMES: Final = frozenset(SessionOptions.__annotations__)


def check_options(given: Mapping[str, Any], function: str) -> None:
    """Refuses what Python itself would refuse, were the options spelled out as parameters.

    Raises:
        TypeError: an option that does not exist.
    """
    for name in given.keys() - OPTION_NAMES:
        raise TypeError(f"{function}() got an unexpected keyword argument {name!r}")
