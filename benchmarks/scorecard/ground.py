"""What a failure is planted into: a job that an agent does, beat by beat, or a recorded session."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Literal, Protocol

if TYPE_CHECKING:
    from scorecard.desk import Desk

Beat = Callable[["Desk"], None]
"""What happens at a desk without anything between: between two beats something can be planted."""

Kind = Literal["support", "retrieval", "coding", "finance", "multi_agent"]


class Ground(Protocol):
    """Where something can be planted.

    Attributes:
        agent: who works.
        policy: the fields of its policy beside `agent`; None for no policy.
        tools: as registered; None where they are not known.
        model: who answers.
        told: further options of the session: `goal`, `intent`, `user_id`, ….
    """

    @property
    def agent(self) -> str: ...

    @property
    def policy(self) -> Mapping[str, Any] | None: ...

    @property
    def tools(self) -> Sequence[Mapping[str, Any]] | None: ...

    @property
    def model(self) -> str: ...

    @property
    def told(self) -> Mapping[str, Any]: ...

    def beats(self, desk: Desk) -> Sequence[Beat]:
        """What happens at this desk, in order."""

    def seams(self) -> Sequence[int]:
        """The beats before which something can be planted: nothing waits for a result there."""

    def note(self, messages: Sequence[Mapping[str, Any]]) -> None:
        """These messages were added to the conversation before the next beat, by whoever planted something."""


@dataclass(frozen=True, slots=True)
class Job:
    """What an agent that behaves does for somebody.

    Attributes:
        steps: its beats. The first is what it is asked, the last what it answers.
    """

    kind: Kind
    agent: str
    policy: Mapping[str, Any]
    tools: Sequence[Mapping[str, Any]]
    steps: Sequence[Beat]
    model: str = "gpt-4o-mini"
    told: Mapping[str, Any] = field(default_factory=lambda: MappingProxyType({}))

    def beats(self, desk: Desk) -> Sequence[Beat]:  # noqa: ARG002 - the protocol's shape
        return self.steps

    def seams(self) -> Sequence[int]:
        return range(1, len(self.steps))

    def note(self, messages: Sequence[Mapping[str, Any]]) -> None:
        """A desk shows the model its whole conversation: nothing is to be done."""


def tool(name: str, does: str, required: Sequence[str] = (), /, **properties: Any) -> dict[str, Any]:
    """A tool as registered, closed to unknown arguments; a property given as a text is of that type."""
    spelled = {key: {"type": kind} if isinstance(kind, str) else kind for key, kind in properties.items()}
    schema = {"type": "object", "properties": spelled, "required": list(required), "additionalProperties": False}
    return {"name": name, "description": does, "parameters": schema}
