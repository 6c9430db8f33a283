"""What stage 1 tells stage 2: small facts about a subject that no single session can see.

Signals travel on `agent.signals`, keyed by subject, one JSON object on each line of a record. A signal that follows
from an event carries where that event stood (`source_partition`, `source_offset`, `ordinal`); a subject keeps a
watermark per source and ignores what is not newer. A signal found by a tick has no such place (`source_offset` is
None): a repeat of it has the same `signal_id`, and whoever folds it must make a repeat harmless.
"""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, StringConstraints, TypeAdapter

from watchkeeper.schemas.envelope import Origin
from watchkeeper.schemas.model import Model, Moment, Name
from watchkeeper.schemas.policy import CapName


class SignalBase(Model):
    """What every signal carries.

    Attributes:
        signal_id: derived from what it is about.
        subject: `kind:tenant/origin/id`; origins never mix, so that imports move no live baseline.
        source_log: the broker's log in which the source stands: in another log, positions begin anew.
    """

    schema_version: Annotated[int, Field(ge=1, le=1)] = 1
    signal_id: Name
    subject: Name
    tenant_id: Name
    origin: Origin
    session_id: Name
    agent_id: Name
    occurred_at: Moment
    source_partition: Annotated[int, Field(ge=0)]
    source_log: Annotated[str, StringConstraints(max_length=128)] = ""
    source_offset: Annotated[int, Field(ge=0)] | None = None
    ordinal: Annotated[int, Field(ge=0)] = 0


class SessionOpened(SignalBase):
    """A session of the agent began.

    Attributes:
        capped_sessions_share: the policy's limit for the share of sessions that may hit one cap.
    """

    kind: Literal["session_opened"] = "session_opened"
    capped_sessions_share: Annotated[float, Field(gt=0, lt=1)] = 0.05


class CapHit(SignalBase):
    """A session of the agent crossed a cap. At most one for each session and cap.

    Attributes:
        started_at: when the session began: a hit counts in the window of its session's start.
    """

    kind: Literal["cap_hit"] = "cap_hit"
    cap: CapName
    started_at: Moment


Signal = Annotated[SessionOpened | CapHit, Field(discriminator="kind")]
SIGNAL_ADAPTER: TypeAdapter[Signal] = TypeAdapter(Signal)


def agent_subject(tenant_id: str, origin: str, agent_id: str) -> str:
    """The subject under which an agent's sessions are counted."""
    return f"agent:{tenant_id}/{origin}/{agent_id}"
