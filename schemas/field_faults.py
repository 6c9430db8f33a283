"""What pydantic found wrong in a field of a YAML file, in sentences that say what to write instead."""

from __future__ import annotations

import types
from difflib import get_close_matches
from typing import Annotated, Any, Union, get_args, get_origin

from pydantic import BaseModel
from pydantic_core import ErrorDetails

from watchkeeper.schemas.yaml_document import BOOLEAN_WORDS, Path, Spot

_WANTED = {
    "string_type": "text",
    "int_type": "a whole number",
    "int_from_float": "a whole number",
    "float_type": "a number",
    "bool_type": "true or false",
    "list_type": "a list",
    "tuple_type": "a list",
    "dict_type": "a mapping",
    "model_type": "a mapping",
}
_BOOLEANS = ("true", "false")
_RANGES = {
    "greater_than": ("gt", "above"),
    "greater_than_equal": ("ge", "of at least"),
    "less_than": ("lt", "below"),
    "less_than_equal": ("le", "of at most"),
}


def sentence(error: ErrorDetails, path: Path, spot: Spot | None, *, model: type[BaseModel], guide: str) -> str:
    """What is wrong with a field and the remedy.

    Args:
        error: one of `ValidationError.errors()`.
        path: the field.
        spot: where and how it was written, if it was.
        model: what the file is read as.
        guide: the page of the docs that tells all fields.
    """
    kind, value, context = error["type"], error["input"], error.get("ctx", {})
    plain = spot.plain if spot is not None else None
    match kind:
        case "missing":
            text = f"missing; add `{path[-1]}`"
        case "extra_forbidden":
            text = _unknown(path, model)
        case "literal_error":
            text = _not_one_of(str(context["expected"]), value, plain)
        case "string_too_short":
            text = "is empty; write at least one character"
        case "string_too_long":
            text = f"has {len(value)} characters; write at most {context['max_length']}"
        case "value_error":
            text = str(context["error"])
        case _ if kind in _WANTED:
            text = _wrong_type(_WANTED[kind], value, plain)
        case _ if kind in _RANGES:
            limit, words = _RANGES[kind]
            text = f"{value} is out of range; write a number {words} {_figure(context[limit])}"
        case _:
            text = f"{error['msg']}; {guide} tells what may stand here"
    return text


def annotation_at(path: Path, model: type[BaseModel]) -> Any:
    """The type that a model declares at a path; None where it declares nothing."""
    kind: Any = model
    for step in path:
        kind = _bare(kind)
        if isinstance(kind, type) and issubclass(kind, BaseModel):
            known = kind.model_fields.get(str(step))
            kind = None if known is None else known.annotation
        elif get_origin(kind) in (dict, list):
            kind = get_args(kind)[-1]
        elif get_origin(kind) is tuple:
            kind = get_args(kind)[0]
        else:
            return None
    return _bare(kind)


def is_boolean_word(plain: str | None) -> bool:
    """Whether this is a word that YAML 1.1 reads as a boolean."""
    return plain is not None and plain.lower() in BOOLEAN_WORDS


def read_as_boolean(plain: str) -> str:
    """What YAML 1.1 makes of a boolean word."""
    return f"YAML 1.1 reads {plain} as the boolean {'true' if plain.lower() in ('yes', 'on') else 'false'}"


def _bare(kind: Any) -> Any:
    while True:
        origin = get_origin(kind)
        if origin is Annotated:
            kind = get_args(kind)[0]
        elif origin in (Union, types.UnionType):
            kind = next(option for option in get_args(kind) if option is not types.NoneType)
        else:
            return kind


def _fields(kind: Any) -> list[str]:
    return list(kind.model_fields) if isinstance(kind, type) and issubclass(kind, BaseModel) else []


def _unknown(path: Path, model: type[BaseModel]) -> str:
    name, parent = str(path[-1]), annotation_at(path[:-1], model)
    known = _fields(parent)
    for field in known:
        if name in _fields(annotation_at((*path[:-1], field), model)):
            return f"unknown field here; it belongs under `{field}`"
    near = get_close_matches(name, known, n=1)
    if near:
        return f"unknown field; did you mean `{near[0]}`?"
    return f"unknown field; remove it, or use one of {', '.join(known)}"


def _wrong_type(wanted: str, value: Any, plain: str | None) -> str:
    if value is None:
        return f"is empty, and {wanted} is wanted; fill it in or remove the line"
    if plain is not None and isinstance(value, bool) and is_boolean_word(plain):
        remedy = f'"{plain}" in quotes' if wanted == "text" else wanted
        return f"{read_as_boolean(plain)}; write {remedy}"
    if plain is not None and wanted == "text":
        return f'YAML reads {plain} as {described(value)}; write "{plain}" in quotes'
    if plain is not None and isinstance(value, str) and _is_number(plain):
        return f"YAML reads {plain} as text; write {wanted} without an exponent, such as 1000.0"
    if plain is None and isinstance(value, str) and wanted != "text" and (_is_number(value) or value in _BOOLEANS):
        return f'"{value}" in quotes is text; remove the quotes'
    return _plainly(wanted, value)


def _plainly(wanted: str, value: Any) -> str:
    return f"{described(value)} stands where {wanted} is wanted; write {wanted}"


def described(value: Any) -> str:
    """What stands there, for people."""
    if isinstance(value, bool):
        return f"the boolean {str(value).lower()}"
    if isinstance(value, int | float):
        return f"the number {value}"
    if isinstance(value, str):
        return f'the text "{value}"' if len(value) <= 40 else f'the text "{value[:37]}…"'
    return "a list" if isinstance(value, list) else "a mapping"


def _not_one_of(expected: str, value: Any, plain: str | None) -> str:
    options = [option.strip("' ") for option in expected.replace(" or ", ", ").split(",")]
    listed = f"write one of {', '.join(options)}"
    if plain is not None and isinstance(value, bool) and is_boolean_word(plain):
        return f"{read_as_boolean(plain)}; {listed}"
    near = get_close_matches(str(value), options, n=1)
    return f"{described(value)} is not known; {listed}" + (f" (did you mean `{near[0]}`?)" if near else "")


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True


def _figure(limit: float) -> str:
    return f"{limit:g}" if isinstance(limit, float) else str(limit)
