"""Whether the agent made the calls that a good session makes."""

from __future__ import annotations

from typing import Annotated, ClassVar, Literal

from pydantic import Field

from watchkeeper.evals.grading.call_matching import matches_in_order, most_matches, same_value
from watchkeeper.evals.grading.configured import ConfiguredGrader
from watchkeeper.evals.grading.grade import Grade, failure, number
from watchkeeper.evals.interaction import Interaction, ToolUse
from watchkeeper.evals.suites.case import Case, ExpectedCall
from watchkeeper.schemas.model import Name


class ToolTrajectory(ConfiguredGrader):
    """The calls of the session against the case's `reference_calls`.

    A call matches a reference of its name whose arguments are all there and equal as JSON values; it matches or it does
    not, there is nothing between. Let m be the calls that can be paired, each once. The value is

    - `strict`: 2m / (made + expected), paired in order: 1 where the same calls were made in the same order, no others;
    - `any_order`: the same, paired in any order;
    - `in_order`: m / expected, paired in order: others may stand between;
    - `superset`: m / expected, in any order: others may be made besides;
    - `subset`: m / made: none may be made that is not expected.

    Attributes:
        order: see above.
        arguments: `ignore` looks at names alone.
        ignore: tools whose calls do not count on either side: those that only read, say.
        failed_calls: whether calls that the tool refused count as made: they changed nothing.
        bar: from which value on it passes.
    """

    NAME: ClassVar[str] = "tool_trajectory"

    order: Literal["strict", "any_order", "in_order", "superset", "subset"] = "any_order"
    arguments: Literal["equal", "ignore"] = "equal"
    ignore: tuple[Name, ...] = ()
    failed_calls: bool = False
    bar: Annotated[float, Field(ge=0, le=1)] = 1.0

    def applies(self, interaction: Interaction, case: Case | None) -> bool:  # noqa: ARG002 # the protocol's
        """Where the case fixes the calls; none at all is fixed by an empty list."""
        return case is not None and case.reference_calls is not None

    def grade(self, interaction: Interaction, case: Case | None) -> Grade:
        """A number with a verdict; a failure where calls, or arguments that matter, were not recorded."""
        expected = [one for one in (case.reference_calls if case else None) or () if one.name not in self.ignore]
        made = [one for one in interaction.calls if self._counts(one)]
        unknown = self._unknown(made, expected)
        if unknown:
            return failure(
                f"The arguments of {unknown} calls that are expected were not recorded: record them, or set "
                "`arguments: ignore`."
            )
        pair = most_matches if self.order in {"any_order", "superset", "subset"} else matches_in_order
        matched = pair(made, expected, self._agree)
        value = self._value(matched, len(made), len(expected))
        if value < 1 and not interaction.complete:
            return failure("Events of this session are missing: calls that seem not to be made may have been lost.")
        return number(
            value, bar=self.bar, reason=f"{matched} of {len(expected)} expected calls match; {len(made)} were made."
        )

    def _counts(self, call: ToolUse) -> bool:
        return call.name not in self.ignore and (self.failed_calls or not call.failed)

    def _unknown(self, made: list[ToolUse], expected: list[ExpectedCall]) -> int:
        if self.arguments == "ignore":
            return 0
        asked = {one.name for one in expected if one.arguments}
        return sum(one.arguments is None and one.name in asked for one in made)

    def _agree(self, call: ToolUse, expected: ExpectedCall) -> bool:
        if call.name != expected.name:
            return False
        if self.arguments == "ignore":
            return True
        given = call.arguments or {}
        return all(key in given and same_value(given[key], value) for key, value in expected.arguments.items())

    def _value(self, matched: int, made: int, expected: int) -> float:
        if self.order == "subset":
            return matched / made if made else 1.0
        if self.order in {"in_order", "superset"}:
            return matched / expected if expected else 1.0
        return 2 * matched / (made + expected) if made + expected else 1.0
