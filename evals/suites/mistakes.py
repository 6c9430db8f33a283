"""What is wrong in a suite's files, in sentences that say where it stands and what to write instead."""

from __future__ import annotations

from collections.abc import Iterator
from difflib import get_close_matches
from typing import Any, Final, get_args

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from watchkeeper.schemas.errors import ConfigurationError

Path = tuple[str | int, ...]

_WANTED: Final = {
    "string_type": "a text",
    "int_type": "a whole number",
    "int_from_float": "a whole number",
    "float_type": "a number",
    "bool_type": "true or false",
    "tuple_type": "a list",
    "list_type": "a list",
    "dict_type": "a mapping",
    "model_type": "a mapping",
}
_RANGES: Final = {
    "greater_than": ("gt", "above"),
    "greater_than_equal": ("ge", "of at least"),
    "less_than": ("lt", "below"),
    "less_than_equal": ("le", "of at most"),
}
_LENGTHS: Final = {
    "too_short": "is too short; give at least {min_length}",
    "too_long": "is too long; give at most {max_length}",
    "string_too_short": "is empty; write at least one character",
    "string_too_long": "is too long; write at most {max_length} characters",
}
_GUIDE: Final = "docs/evals/suites.md"


class SuiteError(ConfigurationError):
    """A suite's files cannot be used.

    Attributes:
        problems: every mistake, each as `file:line: field: what is wrong, and the remedy`.
    """

    def __init__(self, problems: list[str]) -> None:
        super().__init__("\n".join(problems))
        self.problems = problems


def mistakes(error: ValidationError, model: type[BaseModel]) -> Iterator[tuple[Path, str]]:
    """Each mistake by the path of its field, once."""
    told: set[tuple[Path, str]] = set()
    for detail in error.errors(include_url=False):
        path = tuple(
            step for step in detail["loc"] if step != "[key]" and not str(step).startswith(("function-", "str"))
        )
        found = path, _sentence(detail, path, model)
        if found not in told:
            told.add(found)
            yield found


def _sentence(detail: ErrorDetails, path: Path, model: type[BaseModel]) -> str:
    kind, value, context = detail["type"], detail["input"], detail.get("ctx", {})
    match kind:
        case "missing":
            text = f"missing; add `{path[-1]}`"
        case "extra_forbidden":
            text = _unknown(path, model)
        case "literal_error":
            text = f"{_got(value)} is not known; write one of {str(context['expected']).replace(' or ', ', ')}"
        case "value_error":
            text = str(context["error"])
        case "string_pattern_mismatch":
            text = f"{_got(value)} does not fit; write what matches {context['pattern']}"
        case _ if kind in _LENGTHS:
            text = _LENGTHS[kind].format(**context)
        case _ if kind in _WANTED:
            text = f"{_got(value)} stands where {_WANTED[kind]} is wanted; write {_WANTED[kind]}"
        case _ if kind in _RANGES:
            limit, words = _RANGES[kind]
            text = f"{value} is out of range; write a number {words} {context[limit]:g}"
        case _:
            text = f"{detail['msg']}; {_GUIDE} tells what may stand here"
    return text


def _unknown(path: Path, model: type[BaseModel]) -> str:
    known = _fields_at(path[:-1], model)
    near = get_close_matches(str(path[-1]), known, n=1)
    if near:
        return f"unknown field; did you mean `{near[0]}`?"
    return f"unknown field; remove it, or use one of {', '.join(known)}"


def _fields_at(path: Path, model: type[BaseModel]) -> list[str]:
    """The fields that may stand at a path."""
    here: type[BaseModel] | None = model
    for step in path:
        if isinstance(step, str) and here is not None:
            field = here.model_fields.get(step)
            here = None if field is None else _model_in(field.annotation)
    return list(here.model_fields) if here is not None else []


def _model_in(annotation: Any) -> type[BaseModel] | None:
    """The model that an annotation is of, or is a list of."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return annotation
    return next((found for part in get_args(annotation) if (found := _model_in(part)) is not None), None)


def _got(value: Any) -> str:
    if value is None:
        return "nothing"
    if isinstance(value, bool):
        return f"the truth value {str(value).lower()}"
    if isinstance(value, int | float):
        return f"the number {value}"
    if isinstance(value, str):
        return f"the text {value[:40]!r}"
    return "a list" if isinstance(value, list) else "a mapping"
