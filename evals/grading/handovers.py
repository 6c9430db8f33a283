"""Whether a person was called in where one must be, and only there."""

from __future__ import annotations

from typing import ClassVar

from watchkeeper.evals.grading.configured import ConfiguredGrader
from watchkeeper.evals.grading.grade import Grade, failure, passed
from watchkeeper.evals.interaction import Interaction
from watchkeeper.evals.reading.escalation import is_escalation_tool
from watchkeeper.evals.suites.case import Case
from watchkeeper.schemas.model import Name


class Escalation(ConfiguredGrader):
    """Passes where the session was handed to a person exactly if the case expects it.

    Attributes:
        tools: tools that hand over; where none are named, those whose names say so (`escalate_…`, `handoff`,
            `transfer_to_human…`).
    """

    NAME: ClassVar[str] = "escalation"

    tools: tuple[Name, ...] = ()

    def applies(self, interaction: Interaction, case: Case | None) -> bool:  # noqa: ARG002 # the protocol's
        """Where the case says which is right."""
        return case is not None and case.expects_escalation is not None

    def grade(self, interaction: Interaction, case: Case | None) -> Grade:
        """Passed or not; a failure where an escalation may have been lost."""
        expected = case is not None and bool(case.expects_escalation)
        escalated = bool(interaction.escalated) or any(
            self._hands_over(call.name) for call in interaction.calls if not call.failed
        )
        if not escalated and not interaction.complete:
            return failure("Events of this session are missing: whether it was handed to a person cannot be said.")
        if escalated == expected:
            return passed(True)
        return passed(
            False,
            "A person must take over, and none was called in." if expected else "Handed to a person without need.",
        )

    def _hands_over(self, name: str) -> bool:
        return name in self.tools if self.tools else is_escalation_tool(name)
