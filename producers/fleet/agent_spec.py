"""What an agent of the fleet is made of."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType
from typing import Any, Final

from watchkeeper.producers.fleet.worlds.all_worlds import Worlds

POLICIES: Final = Path(__file__).parent / "policies"

ToolFunction = Callable[..., Any]


@dataclass(frozen=True, slots=True)
class AgentSpec:
    """One agent.

    Attributes:
        name: its id; its policy is `policies/<name>.yaml`.
        model: the model's name, as the price list knows it or does not.
        provider: who runs the model.
        system: the system prompt.
        tools: its functions in a world.
        by_hand: JSON Schemas that its author wrote, in place of those that the recorder reads from the functions.
        version: the released version that it runs as.
    """

    name: str
    model: str
    provider: str
    system: str
    tools: Callable[[Worlds], tuple[ToolFunction, ...]] = field(repr=False)
    by_hand: Mapping[str, dict[str, Any]] = field(default_factory=lambda: MappingProxyType({}))
    version: str = "1.0"

    @property
    def policy(self) -> Path:
        """The file of its policy."""
        return POLICIES / f"{self.name}.yaml"
