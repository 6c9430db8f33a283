"""What a judge may answer: for each criterion one of five words and a reason. What else it says is no answer."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final, Literal, get_args

import orjson

from watchkeeper.evals.judging.errors import JudgeAnswerError
from watchkeeper.evals.rubric import Criterion

Finding = Literal["met", "partly_met", "not_met", "does_not_apply", "cannot_tell"]
FINDINGS: Final[tuple[Finding, ...]] = get_args(Finding)
VALUES: Final[dict[Finding, float | None]] = {
    "met": 1.0,
    "partly_met": 0.5,
    "not_met": 0.0,
    "does_not_apply": None,
    "cannot_tell": None,
}

Preferred = Literal["first", "second", "neither"]
_PREFERRED: Final[tuple[Preferred, ...]] = get_args(Preferred)


@dataclass(frozen=True, slots=True)
class Said:
    """What a judge says of one criterion."""

    finding: Finding
    reason: str


def rubric_schema(criteria: Sequence[Criterion]) -> dict[str, Any]:
    """The JSON Schema of an answer: an object for each criterion, the reason first so that it is thought of first."""
    return _object({one.name: _object({"reason": _text(), "finding": _one_of(FINDINGS)}) for one in criteria})


def comparison_schema() -> dict[str, Any]:
    """The JSON Schema of a comparison's answer."""
    return _object({"reason": _text(), "better": _one_of(_PREFERRED)})


def read_findings(text: str, criteria: Sequence[Criterion]) -> dict[str, Said]:
    """What a judge says, by criterion.

    Raises:
        JudgeAnswerError: a criterion is missing, or has none of the five words.
    """
    found = _object_in(text)
    said = {}
    for criterion in criteria:
        own = found.get(criterion.name)
        if not isinstance(own, dict) or own.get("finding") not in VALUES:
            words = ", ".join(FINDINGS)
            raise JudgeAnswerError(
                f"the judge's answer on {criterion.name!r} is none of {words}: take a model with structured output, or "
                "fewer criteria at a time"
            )
        reason = own.get("reason")
        said[criterion.name] = Said(own["finding"], reason if isinstance(reason, str) else "")
    return said


def read_comparison(text: str) -> tuple[Preferred, str]:
    """Which of two sessions a judge prefers, and why.

    Raises:
        JudgeAnswerError: it does not say.
    """
    found = _object_in(text)
    if found.get("better") not in _PREFERRED:
        raise JudgeAnswerError(f"the judge's comparison is none of {', '.join(_PREFERRED)}: take another model")
    reason = found.get("reason")
    return found["better"], reason if isinstance(reason, str) else ""


def _object_in(text: str) -> dict[str, Any]:
    """The answer's object: the whole, or, where an endpoint has no structured output, the last that stands in the text.

    The last, since a model that thinks aloud may quote the form before it fills it in.
    """
    try:
        found = orjson.loads(text)
    except orjson.JSONDecodeError:
        found = _last_object(text)
    if not isinstance(found, dict):
        raise JudgeAnswerError("the judge's answer is no JSON object: take a model with structured output")
    return found


def _last_object(text: str) -> Any:
    decoder, at, found = json.JSONDecoder(), text.find("{"), None
    for _ in range(1000):
        if at < 0:
            break
        try:
            found, end = decoder.raw_decode(text, at)
        except (ValueError, RecursionError):
            end = at + 1
        at = text.find("{", end)
    return found


def _object(properties: dict[str, Any]) -> dict[str, Any]:
    return {"type": "object", "properties": properties, "required": list(properties), "additionalProperties": False}


def _text() -> dict[str, Any]:
    return {"type": "string"}


def _one_of(words: Sequence[str]) -> dict[str, Any]:
    return {"type": "string", "enum": list(words)}
