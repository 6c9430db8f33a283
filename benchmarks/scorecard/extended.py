"""A ground that is told otherwise: with further tools, another policy, another model, more that the session tells."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from scorecard.ground import Beat, Ground

if TYPE_CHECKING:
    from scorecard.desk import Desk


class Extended:
    """Another ground, job or recording, with more tools registered.

    Args:
        ground: the other one.
        tools: what is registered beside its own.
        told: options of the session that replace the other's.
        model: who answers, if another than there.
        policy: fields of the policy that replace those there, for an agent that keeps its name.
    """

    def __init__(
        self,
        ground: Ground,
        *tools: Mapping[str, Any],
        told: Mapping[str, Any] | None = None,
        model: str = "",
        policy: Mapping[str, Any] | None = None,
    ) -> None:
        self._ground = ground
        self.agent = ground.agent
        self.policy = ground.policy if policy is None else {**(ground.policy or {}), **policy}
        self.tools: Sequence[Mapping[str, Any]] = [*(ground.tools or ()), *tools]
        self.model = model or ground.model
        self.told: Mapping[str, Any] = {**ground.told, **(told or {})}

    def beats(self, desk: Desk) -> Sequence[Beat]:
        """See `Ground.beats`."""
        return self._ground.beats(desk)

    def seams(self) -> Sequence[int]:
        """See `Ground.seams`."""
        return self._ground.seams()

    def note(self, messages: Sequence[Mapping[str, Any]]) -> None:
        """See `Ground.note`."""
        self._ground.note(messages)
