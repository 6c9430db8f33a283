"""Commands to running agents: who must stop, pause, go on or slow down, until when and why."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, StringConstraints, TypeAdapter, model_validator

from watchkeeper.schemas.model import Model, Moment, Name, Sentence

Action = Literal["terminate", "pause", "resume", "slow_down", "circuit_open"]
ACTIONS: tuple[Action, ...] = ("terminate", "pause", "resume", "slow_down", "circuit_open")

MAX_COMMAND_SECONDS = 24 * 3600
"""The longest a command may be in force. The SDK reads the control topic from this far back when it starts."""


class Target(Model):
    """Whom a command addresses: a session, all sessions of an agent, or a whole tenant."""

    kind: Literal["session", "agent", "tenant"]
    id: Name


class Control(Model):
    """A command.

    Attributes:
        command_id: derived from what it is about where a worker issues it, so that a repeat is the same command.
        action: what to do; `circuit_open` is for one tool.
        tool_name: the tool of `circuit_open`.
        reason: for the person who reads the log of the stopped agent.
        fallback: of `circuit_open`: what to do while the tool is not called, in the words of the agent's policy; empty
            where it names nothing.
        issued_by: `worker`, or the operator's name.
        finding_id: what it follows from.
        issued_at: when.
        expires_at: after which it is no longer honoured; at most a day later.
        signature: reserved.
    """

    schema_version: Annotated[int, Field(ge=1, le=1)] = 1
    command_id: Name
    tenant_id: Name
    target: Target
    action: Action
    tool_name: Annotated[str, StringConstraints(max_length=256)] = ""
    reason: Sentence
    fallback: Sentence = ""
    issued_by: Name
    finding_id: Name | None = None
    issued_at: Moment
    expires_at: Moment
    signature: str | None = None

    @model_validator(mode="after")
    def _in_force_for_a_while(self) -> Control:
        seconds = (self.expires_at - self.issued_at).total_seconds()
        if not 0 < seconds <= MAX_COMMAND_SECONDS:
            raise ValueError(f"expires_at must be after issued_at and at most {MAX_COMMAND_SECONDS} s later")
        return self

    @property
    def key(self) -> bytes:
        """The Kafka key: commands for one target stay in order."""
        return f"{self.tenant_id}/{self.target.kind}:{self.target.id}".encode()


CONTROL_ADAPTER: TypeAdapter[Control] = TypeAdapter(Control)
