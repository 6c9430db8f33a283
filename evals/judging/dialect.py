"""What of the protocol an endpoint understands: it is asked for the best, and for less once it says that it cannot.

Endpoints that call themselves compatible differ: some have no structured output, newer models refuse `max_tokens` or
`temperature`. They say so with status 400 or 422 and name the parameter; what they name is spelled otherwise or left
out from then on.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal

from watchkeeper.evals.judging.settings import JudgeSettings

Structure = Literal["json_schema", "json_object", "text"]
Message = Mapping[str, str]

_WEAKER: Mapping[Structure, Structure] = {"json_schema": "json_object", "json_object": "text"}


@dataclass(frozen=True, slots=True)
class Dialect:
    """How one endpoint and model are spoken to.

    Attributes:
        structure: how the form of the answer is asked for; `text`: in the prompt alone, where it always stands too.
        limit: what the limit of the answer's length is called.
    """

    structure: Structure = "json_schema"
    limit: Literal["max_tokens", "max_completion_tokens"] = "max_tokens"
    temperature: bool = True
    seed: bool = True

    def body(
        self, settings: JudgeSettings, messages: Sequence[Message], schema: Mapping[str, Any], name: str
    ) -> dict[str, Any]:
        """The body of a request."""
        found: dict[str, Any] = {"model": settings.model, "messages": [dict(one) for one in messages]}
        found[self.limit] = settings.max_output_tokens
        if self.temperature and settings.temperature is not None:
            found["temperature"] = settings.temperature
        if self.seed and settings.seed is not None:
            found["seed"] = settings.seed
        if self.structure == "json_schema":
            form = {"name": name, "strict": True, "schema": schema}
            found["response_format"] = {"type": "json_schema", "json_schema": form}
        elif self.structure == "json_object":
            found["response_format"] = {"type": "json_object"}
        return found

    def without(self, refused: str) -> Dialect | None:
        """The dialect without what an endpoint refused, by its own words; None where nothing can be left out.

        Args:
            refused: what the error says: its parameter, its code and its message.
        """
        told = refused.lower()
        if any(word in told for word in ("response_format", "json_schema", "json_object", "guided", "structured")):
            weaker = _WEAKER.get(self.structure)
            return replace(self, structure=weaker) if weaker else None
        if "max_completion_tokens" in told or "max_tokens" in told:
            unknown = any(word in told for word in ("unsupported", "not supported", "unrecognized", "unknown", "extra"))
            if unknown:
                other: Literal["max_tokens", "max_completion_tokens"]
                other = "max_completion_tokens" if self.limit == "max_tokens" else "max_tokens"
                return replace(self, limit=other)
            return None
        if "temperature" in told and self.temperature:
            return replace(self, temperature=False)
        if "seed" in told and self.seed:
            return replace(self, seed=False)
        return None
