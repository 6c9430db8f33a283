"""What ran: the list of sessions, and each as a story."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Final

from starlette.responses import Response

from watchkeeper.dashboards.console.errors import AskedWrongError
from watchkeeper.dashboards.console.filters import (
    PAGE_ROWS,
    SPANS,
    Choice,
    Text,
    at_least,
    moment_of,
    name_of,
    one_of,
    since_of,
)
from watchkeeper.dashboards.console.rows import Row
from watchkeeper.dashboards.console.visit import Page, Visit
from watchkeeper.schemas.failure_modes import FAILURE_MODES, SEVERITIES
from watchkeeper.schemas.model import to_us

STATUSES: Final = ("open", "silent", "completed", "failed", "stopped")
ORIGINS: Final = ("live", "simulated", "import")
BEATS: Final = 300
"""Things told on one page of a story."""


def sessions(visit: Visit) -> Response:
    """The list, newest first."""
    names = {name: name_of(visit, name) for name in ("tenant", "agent", "version", "intent")}
    mode, severity = one_of(visit, "mode", FAILURE_MODES), one_of(visit, "severity", SEVERITIES)
    status, origin = one_of(visit, "status", STATUSES), one_of(visit, "origin", ORIGINS)
    span, since = since_of(visit, "7d")
    found = visit.sources.sessions.listed(
        limit=PAGE_ROWS + 1,
        after=_after(visit),
        severities=at_least(severity),
        mode=mode,
        status=status,
        origin=origin,
        stored_since=since,
        **names,
    )
    fields: list[Text | Choice] = [Text(name, name.capitalize(), value) for name, value in names.items()]
    fields += [
        Choice("mode", "Failure mode", FAILURE_MODES, mode),
        Choice("severity", "Severity, at least", SEVERITIES, severity),
        Choice("status", "Status", STATUSES, status),
        Choice("origin", "Origin", ORIGINS, origin),
        Choice("since", "Stored in the last", tuple(SPANS), span, everything=""),
    ]
    older = _next(visit, found[PAGE_ROWS - 1]) if len(found) > PAGE_ROWS else ""
    return visit.show("sessions.html", "Sessions", fields=fields, rows=found[:PAGE_ROWS], older=older, span=span)


def _after(visit: Visit) -> tuple[datetime, str, str] | None:
    session = name_of(visit, "after_session")
    return (moment_of(visit, "after"), session, name_of(visit, "after_tenant")) if session else None


def _next(visit: Visit, last: Row) -> str:
    place = {"after": str(to_us(last["started_at"])), "after_session": last["session_id"]}
    return visit.address(**place, after_tenant=last["tenant_id"])


def session(visit: Visit) -> Response:
    """One session as a story."""
    told = visit.sources.sessions.story(visit.path["session"], name_of(visit, "tenant"))
    begin = _number(visit, "from")
    shown = told.beats[begin : begin + BEATS]
    pages: dict[str, Any] = {
        "earlier": visit.address(**{"from": str(max(0, begin - BEATS))}) if begin else "",
        "later": visit.address(**{"from": str(begin + BEATS)}) if begin + BEATS < len(told.beats) else "",
    }
    places = {beat.name: _place(visit, number, begin) + f"#e-{beat.name}" for number, beat in enumerate(told.beats)}
    return visit.show("session.html", "Session", story=told, shown=shown, begin=begin, places=places, **pages)


def _place(visit: Visit, number: int, begin: int) -> str:
    """The part of the story in which a thing stands; empty for the part that is shown."""
    if begin <= number < begin + BEATS:
        return ""
    return visit.address(**{"from": str(number // BEATS * BEATS)})


def _number(visit: Visit, name: str) -> int:
    value = visit.query(name) or "0"
    if not value.isdecimal() or len(value) > 6:
        raise AskedWrongError(f"{name} is {value!r}: give a number")
    return int(value)


PAGES: Final = (
    Page("/sessions", sessions, menu="Sessions", order=10),
    Page("/sessions/{session:path}", session),
)
