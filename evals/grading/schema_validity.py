"""Whether answers and arguments are what their JSON Schemas say."""

from __future__ import annotations

import re
from typing import Any, ClassVar, Final

import orjson
from pydantic import field_validator, model_validator

from watchkeeper.evals.grading.configured import ConfiguredGrader
from watchkeeper.evals.grading.grade import Grade, failure, passed
from watchkeeper.evals.grading.tool_schemas import checked_tools, read_tools, registry_of, replace_file, validator_of
from watchkeeper.evals.interaction import Interaction, ToolUse
from watchkeeper.evals.suites.case import Case
from watchkeeper.stream_processors.detection.session_rules.violations import violations_of

_FENCED: Final = re.compile(r"\s*```[\w-]*[ \t]*\n(.*?)\n?[ \t]*```\s*", re.DOTALL)
_MAX_TOLD: Final = 4


class Schema(ConfiguredGrader):
    """Passes where the last answer, read as JSON, and the arguments of all calls are valid under their schemas.

    An answer may stand in a fence of its own (```` ```json ````). Calls of tools without a schema are not looked at.

    Attributes:
        answer: JSON Schema of the last answer; `answer_file` reads it from a file.
        tools: the tools as they are registered, `{name, parameters}`; `tools_file` reads them from a file, as
            `watchkeeper policy infer --tools-output` writes it.
    """

    NAME: ClassVar[str] = "schema"

    answer: dict[str, Any] | None = None
    tools: tuple[dict[str, Any], ...] = ()

    @model_validator(mode="before")
    @classmethod
    def _read(cls, options: Any) -> Any:
        return read_tools(replace_file(options, "answer_file", "answer"))

    @field_validator("tools")
    @classmethod
    def _usable(cls, tools: tuple[dict[str, Any], ...]) -> tuple[dict[str, Any], ...]:
        return checked_tools(tools)

    @model_validator(mode="after")
    def _asks_something(self) -> Schema:
        if self.answer is None and not self.tools:
            raise ValueError("name a schema: answer, answer_file, tools or tools_file")
        if self.answer is not None:
            validator_of(orjson.dumps(self.answer))
        return self

    def applies(self, interaction: Interaction, case: Case | None) -> bool:  # noqa: ARG002 # the protocol's
        """Where an answer is asked for, or a call was made whose tool has a schema."""
        return self.answer is not None or any(self._has_schema(call) for call in interaction.calls)

    def grade(self, interaction: Interaction, case: Case | None) -> Grade:  # noqa: ARG002 # the protocol's
        """Passed or not; the reason names places and types, never what stood there."""
        calls = [call for call in interaction.calls if self._has_schema(call)]
        faults = [] if self.answer is None else self._of_answer(interaction.answer)
        for call in calls:
            if call.arguments is not None:
                faults += self._of_call(call)
        unknown = sum(call.arguments is None for call in calls)
        if not faults and unknown:
            return failure(
                f"The arguments of {unknown} calls were not recorded: record them, or leave their tools out."
            )
        more = f" And {len(faults) - _MAX_TOLD} more." if len(faults) > _MAX_TOLD else ""
        return passed(not faults, " ".join(faults[:_MAX_TOLD]) + more)

    def _has_schema(self, call: ToolUse) -> bool:
        registry = registry_of(orjson.dumps(self.tools))
        return call.name in registry and registry.validator(call.name) is not None

    def _of_call(self, call: ToolUse) -> list[str]:
        validator = registry_of(orjson.dumps(self.tools)).validator(call.name)
        assert validator is not None
        return _told(f"arguments of {call.name}", validator, call.arguments)

    def _of_answer(self, text: str) -> list[str]:
        fenced = _FENCED.fullmatch(text)
        try:
            value = orjson.loads(fenced[1] if fenced else text)
        except orjson.JSONDecodeError:
            return ["The answer is no JSON."]
        return _told("the answer", validator_of(orjson.dumps(self.answer)), value)


def _told(what: str, validator: Any, value: Any) -> list[str]:
    violations, more = violations_of(validator, value)
    told = [f"{what}{one.path and f' at {one.path}'}: expected {one.expected}, not {one.got}." for one in violations]
    if more:
        told.append(f"{what}: {more} more.")
    return [one[:1].upper() + one[1:] for one in told]
