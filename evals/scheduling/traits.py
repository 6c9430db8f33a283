"""What is known of sessions when it is decided whether to grade them, for many at once."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from datetime import timedelta
from typing import Any, Final, TypeAlias

from watchkeeper.evals.reading import statements as reading
from watchkeeper.evals.reading.escalation import is_escalation_tool
from watchkeeper.evals.sampling import Traits
from watchkeeper.evals.scheduling import statements
from watchkeeper.evals.scheduling.ports import Row, Store
from watchkeeper.schemas.failure_modes import SEVERITIES
from watchkeeper.schemas.model import to_us

Key: TypeAlias = tuple[str, str]
"""Tenant and session."""

_AT_A_TIME: Final = 200
_DAY: Final = timedelta(days=1)
_LATER: Final = timedelta(days=31)
"""Outcomes and findings are told so long after a session."""

_UNHAPPY: Final = re.compile(r"(?i)\b(negative|bad|poor|down|thumbs?[_ -]?down|unhelpful|(dis|un)satisfied|angry|no)\b")
_OF_FIVE: Final = re.compile(r"(?i)(csat|rating|stars?|score)")
_PERSON: Final = re.compile(r"(?i)(^|[_\s-])(human|person|staff|supervisor)([_\s-]|$)")
_ESCALATED: Final = re.compile(r"(?i)escalat|hand(ed)?[_ -]?(off|over)")


def traits_of(store: Store, candidates: Sequence[Row]) -> dict[Key, Traits]:
    """The traits of sessions.

    Args:
        store: ClickHouse.
        candidates: rows of `statements.CANDIDATES`.
    """
    found: dict[Key, Traits] = {}
    for some in _chunks(candidates):
        about: dict[str, Any] = {
            "tenants": sorted({row["tenant_id"] for row in some}),
            "sessions": [row["session_id"] for row in some],
            "since": to_us(min(row["started_at"] for row in some) - _DAY),
            "until": to_us(max(row["ended_at"] for row in some) + _LATER),
        }
        signs = {_key(row): row for row in store.rows(statements.SIGNS, **about)}
        worst = _worst(store.rows(reading.FINDINGS, **about))
        for row in some:
            found[_key(row)] = _traits(row, signs.get(_key(row), {}), worst.get(_key(row), ""))
    return found


def is_unhappy(outcome: Sequence[Any]) -> bool:
    """Whether an outcome (name, kind, value, label) is feedback of somebody who was not served well.

    A value up to 0 says so, of what is called a rating also one of 1 or 2; else the label's words do.
    """
    name, kind, value, label = outcome
    if kind != "feedback":
        return False
    if value is not None:
        return bool(value <= 0 or (value <= 2 and value == int(value) and _OF_FIVE.search(name)))
    return _UNHAPPY.search(label) is not None


def _traits(row: Row, signs: Mapping[str, Any], worst: str) -> Traits:
    outcomes = signs.get("outcomes", ())
    return Traits(
        worst_severity=worst,
        negative_feedback=any(is_unhappy(outcome) for outcome in outcomes),
        escalated=bool(signs.get("approved"))
        or any(is_escalation_tool(tool) for tool in signs.get("tools", ()))
        or any(_PERSON.search(child) for child in signs.get("children", ()))
        or any(_ESCALATED.search(name) and value != 0 for name, _, value, _ in outcomes),
        abstained=bool(signs.get("abstained")),
        failed=row["status"] in {"failed", "stopped", "silent"},
        cost_usd=float(row["cost_usd"]),
    )


def _worst(findings: Sequence[Row]) -> dict[Key, str]:
    worst: dict[Key, str] = {}
    for row in findings:
        if row["status"] == "open":
            before = worst.get(_key(row), SEVERITIES[0])
            worst[_key(row)] = max(before, row["severity"], key=SEVERITIES.index)
    return worst


def _key(row: Row) -> Key:
    return row["tenant_id"], row["session_id"]


def _chunks(rows: Sequence[Row]) -> Iterator[Sequence[Row]]:
    for begin in range(0, len(rows), _AT_A_TIME):
        yield rows[begin : begin + _AT_A_TIME]
