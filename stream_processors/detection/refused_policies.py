"""Why a policy that came by the stream is refused, in words that hold nothing out of it.

A policy comes from an agent's process as any content does: its texts, the names of its tools and facts, and what
pydantic and CEL say of them may hold anything. What is told goes into findings and logs, so it is put together of the
contract's own field names and of sentences written here. `watchkeeper policy check` tells the rest, to whoever has the
file.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Any, Final

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from watchkeeper.schemas.policy import AgentPolicy

ADVICE: Final = "run `watchkeeper policy check` on the agent's policy"
UNKNOWN_FIELD: Final = "there is a field that this version does not know: upgrade the workers, or remove it"
_CONDITIONS: Final = frozenset({"when", "require", "condition"})
_REASONS: Final = {
    "extra_forbidden": UNKNOWN_FIELD,
    "missing": "a field is missing",
    "literal_error": "a word is not one of those that may stand here",
    "json_invalid": "it is no JSON that can be read",
    "string_too_short": "a text is empty",
    "string_too_long": "a text is too long",
    "string_pattern_mismatch": "a text is not of the form wanted",
    "too_long": "there are too many entries",
    "too_short": "there are too few entries",
    "value_error": "what it says cannot hold",
    "finite_number": "a number is not finite",
}
_OUT_OF_RANGE: Final = ("greater_than", "less_than")


def why_refused(error: ValidationError) -> str:
    """The first mistake: its place by field names of the contract alone, and the reason."""
    first = error.errors(include_input=False, include_url=False, include_context=False)[0]
    others = error.error_count() - 1
    more = f" (and {others} more)" if others else ""
    return f"the policy is refused at {_place(first['loc'])}: {_reason(first)}{more}; {ADVICE}"


def _reason(detail: ErrorDetails) -> str:
    kind = detail["type"]
    if kind == "value_error" and detail["loc"][-1:] and detail["loc"][-1] in _CONDITIONS:
        return "a condition does not compile against what is declared"
    if kind.startswith(_OUT_OF_RANGE):
        return "a number is out of range"
    if kind.endswith(("_type", "_from_float", "_parsing")):
        return "a value is of another type"
    return _REASONS.get(kind, "a value cannot be used")


def _place(loc: tuple[str | int, ...]) -> str:
    known = _field_names()
    steps = [f"[{step}]" if isinstance(step, int) else f".{step if step in known else '*'}" for step in loc]
    return "".join(steps).removeprefix(".") or "its top"


@lru_cache(maxsize=1)
def _field_names() -> frozenset[str]:
    """Every field of the contract: a name that a policy gives to a tool or a fact is told only if it is one of them."""
    found: set[str] = set()
    seen: set[type[BaseModel]] = set()
    waiting: list[Any] = [AgentPolicy]
    while waiting:
        kind = waiting.pop()
        if isinstance(kind, type) and issubclass(kind, BaseModel):
            if kind not in seen:
                seen.add(kind)
                found.update(kind.model_fields)
                waiting += [field.annotation for field in kind.model_fields.values()]
        else:
            waiting += getattr(kind, "__args__", ())
    return frozenset(found)
