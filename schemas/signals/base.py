"""What every signal carries."""

from __future__ import annotations

from typing import Annotated, ClassVar

from pydantic import Field, StringConstraints

from watchkeeper.schemas.envelope import Origin
from watchkeeper.schemas.model import Model, Moment, Name, Subject


class SignalBase(Model):
    """What every signal carries.

    Attributes:
        signal_id: derived from what it is about.
        subject: `kind:tenant/origin/id`; origins never mix, so that imports move no live baseline.
        source_log: the broker's log in which the source stands: in another log, positions begin anew.
    """

    from_topic: ClassVar[str] = ""
    """What a subject's watermark of the source partition is called after: empty for `agent.events`."""

    schema_version: Annotated[int, Field(ge=1, le=1)] = 1
    signal_id: Name
    subject: Subject
    tenant_id: Name
    origin: Origin
    session_id: Name
    agent_id: Name
    occurred_at: Moment
    source_partition: Annotated[int, Field(ge=0)]
    source_log: Annotated[str, StringConstraints(max_length=128)] = ""
    source_offset: Annotated[int, Field(ge=0)] | None = None
    ordinal: Annotated[int, Field(ge=0)] = 0
