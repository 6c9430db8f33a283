"""What makes two decisions rest on the same facts, and two outcomes the same: one spelling of each.

**Facts.** Declared facts are read as declared (`fact_values`): "$5.00" is 5 where a rule says so, a list that is
declared `unordered` is sorted, a fact that is declared `ignore` is left out. All else is compared as it stands. The
order of keys does not matter; 5 is 5.0; a number is compared by twelve digits, so that 0.1 + 0.2 is 0.3. Null is not
the same as absent.

**Outcomes.** Ids, times and wording differ from run to run and decide nothing: names that end so (`id`, `_at`,
`reason`, …) are left out, and so are texts of more than `MAX_WORDS` words; ids and moments within shorter texts are
one like the other. An outcome of which nothing is left cannot be compared.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from typing import Any

from watchkeeper.schemas.fact_values import read_fact
from watchkeeper.schemas.policy import Fact
from watchkeeper.stream_processors.detection.fingerprints import canonical

MAX_WORDS = 6
"""A longer text is wording: "Approved, since the customer has been with us for years." is not compared."""

MAX_DEPTH = 16
_NOTHING: Any = object()
_DIGITS = 12

_PASSING_NAME = re.compile(
    r"(?:^|.*[_.-])(?:id|ids|uuid|guid|at|on|time|timestamp|date|reason|reasons|reasoning|explanation|message|summary|"
    r"note|notes|comment|text|rationale|trace|reference|token|latency|duration|ms|confidence|score)$"
    r"|.*[a-z](?:Id|Ids|At|Time|Timestamp|Date|Reason|Message|Confidence|Score)$"
)
_VOLATILE = re.compile(
    r"\b[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}\b"
    r"|\b\d{4}-\d\d-\d\d(?:[T ]\d\d:\d\d[\d:.,]*(?:Z|[+-]\d\d:?\d\d)?)?"
    r"|\b\d\d:\d\d:\d\d[\d.,]*"
    r"|\b(?=[0-9a-f]*\d)[0-9a-f]{16,}\b"
    r"|\b[A-Za-z][A-Za-z_]*[-#_]\d{4,}(?:-\d+)*\b"
    r"|\b\d{10,}\b",
    re.IGNORECASE,
)
_CONSTANT_MASK = re.compile(r"\[[a-z_]{1,40}\]")


def facts_compared(facts: Mapping[str, Any], declared: Mapping[str, Fact]) -> dict[str, Any]:
    """The facts in one spelling, without those that play no part."""
    spelled = {}
    for name, value in facts.items():
        fact = declared.get(name)
        if fact is None:
            spelled[name] = _spelled(value, MAX_DEPTH)
        elif not fact.ignore:
            spelled[name] = _declared(value, fact)
    return spelled


def outcome_compared(outcome: Any) -> bytes | None:
    """The outcome in one spelling, without what differs from run to run; None where nothing is left of it."""
    left = _NOTHING if outcome is None else _deciding(outcome, MAX_DEPTH)
    return None if left is _NOTHING else canonical(left)


def hides_values(facts: Mapping[str, Any]) -> bool:
    """Whether a mask that is the same for all values stands among the facts: different ones would look alike."""
    return _CONSTANT_MASK.search(canonical(dict(facts)).decode()) is not None


def _declared(value: Any, fact: Fact) -> Any:
    reading = read_fact(value, fact)
    read = value if reading.value is None else reading.value
    if fact.unordered and isinstance(read, list):
        return sorted((_spelled(item, MAX_DEPTH) for item in read), key=canonical)
    return _spelled(read, MAX_DEPTH)


def _spelled(value: Any, depth: int) -> Any:
    if isinstance(value, bool) or value is None or isinstance(value, str):
        return value
    if isinstance(value, (int, float)):
        return _number(value)
    if depth == 0:
        return "…"
    if isinstance(value, dict):
        return {str(name): _spelled(inner, depth - 1) for name, inner in value.items()}
    if isinstance(value, list):
        return [_spelled(inner, depth - 1) for inner in value]
    return str(value)


def _number(value: Any) -> Any:
    if isinstance(value, float):
        if not math.isfinite(value):
            return f"{value}"
        rounded = float(f"{value:.{_DIGITS}g}")
        return int(rounded) if rounded.is_integer() and abs(rounded) < 2**53 else rounded
    return value if abs(value) < 2**63 else str(value)


def _deciding(value: Any, depth: int) -> Any:
    """What decides; `_NOTHING` where nothing does."""
    if isinstance(value, str):
        return _VOLATILE.sub("#", value).strip().casefold() if len(value.split()) <= MAX_WORDS else _NOTHING
    if isinstance(value, dict) and depth:
        kept = {
            str(name): left
            for name, inner in value.items()
            if not _PASSING_NAME.fullmatch(str(name)) and (left := _deciding(inner, depth - 1)) is not _NOTHING
        }
        return kept if kept or not value else _NOTHING
    if isinstance(value, list) and depth:
        left = [_deciding(inner, depth - 1) for inner in value]
        return [one for one in left if one is not _NOTHING] or ([] if not value else _NOTHING)
    return _spelled(value, 0)
