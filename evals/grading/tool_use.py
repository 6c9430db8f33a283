"""How cleanly the agent used its tools: without reference, from what was called and what came back."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import Annotated, Any, ClassVar, Literal, TypeAlias, get_args

import orjson
from pydantic import Field, field_validator, model_validator

from watchkeeper.evals.grading.call_matching import canonical
from watchkeeper.evals.grading.configured import ConfiguredGrader
from watchkeeper.evals.grading.grade import Grade
from watchkeeper.evals.grading.tool_schemas import checked_tools, read_tools, registry_of
from watchkeeper.evals.interaction import Interaction, ToolUse
from watchkeeper.evals.suites.case import Case
from watchkeeper.schemas.scores import CriterionScore

Fault: TypeAlias = Literal["unknown", "invalid", "failed", "repeated"]
FAULTS: tuple[Fault, ...] = get_args(Fault)

_FOUND_INVALID = frozenset({"invalid_arguments", "unknown_arguments"})

Weight = Annotated[float, Field(ge=0, le=1)]


@dataclass(frozen=True, slots=True)
class CallFaults:
    """What is wrong with the calls of a session.

    Attributes:
        calls: how many were made.
        by_fault: how many have each fault, as their first.
    """

    calls: int
    by_fault: dict[Fault, int]


class ToolUseQuality(ConfiguredGrader):
    """1 minus the weighted share of calls that went wrong.

    A call has one fault at most, the first of these: `unknown` (no such tool was registered), `invalid` (its arguments
    are not what the tool's schema says), `failed` (the tool said so), `repeated` (the same call with the same answer as
    before, more often than `repeats_allowed`: nothing new was learned). Where schemas are not given, calls count as
    invalid that detectors found to be (`hallucinated_tool`).

    Attributes:
        tools: as they are registered, with schemas; `tools_file` reads them from a file, as
            `watchkeeper policy infer --tools-output` writes it. Without them nothing is checked against a schema here.
        unknown: weight of that fault, as the others; 0 leaves it out.
        repeats_allowed: how often a call may be made again to see the same.
        bar: from which value on it passes.
    """

    NAME: ClassVar[str] = "tool_use"

    tools: tuple[dict[str, Any], ...] = ()
    unknown: Weight = 1.0
    invalid: Weight = 1.0
    failed: Weight = 1.0
    repeated: Weight = 0.5
    repeats_allowed: Annotated[int, Field(ge=0)] = 1
    bar: Annotated[float, Field(ge=0, le=1)] = 0.9

    @model_validator(mode="before")
    @classmethod
    def _read(cls, options: Any) -> Any:
        return read_tools(options)

    @field_validator("tools")
    @classmethod
    def _usable(cls, tools: tuple[dict[str, Any], ...]) -> tuple[dict[str, Any], ...]:
        return checked_tools(tools)

    def applies(self, interaction: Interaction, case: Case | None) -> bool:  # noqa: ARG002 # the protocol's
        """Where a tool was called."""
        return bool(interaction.calls)

    def grade(self, interaction: Interaction, case: Case | None) -> Grade:  # noqa: ARG002 # the protocol's
        """A number with a verdict; each fault's share as a criterion."""
        found = self.faults(interaction)
        weights: dict[Fault, float] = {fault: getattr(self, fault) for fault in FAULTS}
        lost = sum(weights[fault] * count for fault, count in found.by_fault.items())
        told = ", ".join(f"{count} {fault}" for fault, count in found.by_fault.items() if count)
        value = max(0.0, 1 - lost / found.calls)
        criteria = tuple(
            CriterionScore(name=fault, value=1 - count / found.calls, weight=weights[fault])
            for fault, count in found.by_fault.items()
            if weights[fault]
        )
        reason = f"Of {found.calls} calls: {told or 'none went wrong'}."
        return Grade("number", value, value >= self.bar, reason=reason, criteria=criteria)

    def faults(self, interaction: Interaction) -> CallFaults:
        """Which calls went wrong, and how."""
        seen: Counter[bytes] = Counter()
        counts: dict[Fault, int] = dict.fromkeys(FAULTS, 0)
        for call in interaction.calls:
            fault = self._fault(call, interaction.tools, seen)
            if fault:
                counts[fault] += 1
        if not self.tools:
            found = sum(note.kind in _FOUND_INVALID for note in interaction.findings)
            unblamed = len(interaction.calls) - sum(counts.values())
            # A refused call is most often the very one that was found invalid: it has its one fault already.
            counts["invalid"] += max(0, min(found - counts["failed"], unblamed))
        return CallFaults(len(interaction.calls), counts)

    def _fault(self, call: ToolUse, registered: tuple[str, ...], seen: Counter[bytes]) -> Fault | None:
        known = registered or tuple(registry_of(orjson.dumps(self.tools)).names)
        if known and call.name not in known:
            return "unknown"
        if not self._is_valid(call):
            return "invalid"
        if call.failed:
            return "failed"
        if call.arguments is None or call.result is None:
            return None
        same = canonical([call.name, call.arguments, call.result])
        seen[same] += 1
        return "repeated" if seen[same] > 1 + self.repeats_allowed else None

    def _is_valid(self, call: ToolUse) -> bool:
        registry = registry_of(orjson.dumps(self.tools))
        validator = registry.validator(call.name) if call.name in registry else None
        return validator is None or call.arguments is None or validator.is_valid(call.arguments)
