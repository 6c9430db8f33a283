"""Stop, pause and resume: asked for, confirmed, sent, and followed until it is obeyed."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any, Final, get_args

from starlette.responses import Response

from watchkeeper.dashboards.console.control_source import Kind, Order, Wish
from watchkeeper.dashboards.console.errors import AskedWrongError
from watchkeeper.dashboards.console.filters import PAGE_ROWS, name_of, one_of
from watchkeeper.dashboards.console.rows import Row
from watchkeeper.dashboards.console.visit import WHO_COOKIE, Page, Visit

ORDERS: Final[Mapping[str, str]] = {"terminate": "Stop", "pause": "Pause", "resume": "Resume"}
KINDS: Final[tuple[str, ...]] = get_args(Kind)
LENGTHS: Final[Mapping[str, timedelta]] = {
    "30m": timedelta(minutes=30),
    "1h": timedelta(hours=1),
    "8h": timedelta(hours=8),
    "24h": timedelta(hours=24),
}
_RECENT: Final = timedelta(days=7)
_SETTLE: Final = timedelta(seconds=15)
"""An agent looks at commands between its steps: what it does within that time says nothing yet."""


def control(visit: Visit) -> Response:
    """What was commanded of late, and the form for another command."""
    given = {
        "action": one_of(visit, "action", tuple(ORDERS), "terminate"),
        "kind": one_of(visit, "kind", KINDS, "agent"),
        "target": name_of(visit, "target"),
        "tenant": name_of(visit, "tenant"),
    }
    rows = visit.sources.control.listed(visit.now - _RECENT, PAGE_ROWS)
    lengths = list(LENGTHS)
    in_force = {row["command_id"] for row in rows if is_in_force(row, visit.now)}
    shown: dict[str, Any] = {"given": given, "orders": ORDERS, "kinds": KINDS, "lengths": lengths}
    return visit.show("control.html", "Control", rows=rows, in_force=in_force, **shown)


def is_in_force(command: Row, now: datetime) -> bool:
    """Whether agents still obey a command: it has neither expired nor been lifted."""
    return command["expires_at"] > now and command["lifted_at"] is None


def confirm(visit: Visit) -> Response:
    """Says what would be done, and to how many, before it is done."""
    wish = _wish(visit.form)
    reaches = visit.sources.control.reaches(wish.kind, wish.target, wish.tenant)
    title = f"{ORDERS[wish.order]} {wish.kind} {wish.target}?"
    return visit.show("confirm.html", title, wish=wish, reaches=reaches, order=ORDERS[wish.order], form=visit.form)


def give(visit: Visit) -> Response:
    """Gives the command."""
    wish = _wish(visit.form)
    answer = visit.go(f"/commands/{visit.quoted(visit.sources.control.give(wish))}")
    answer.set_cookie(WHO_COOKIE, visit.quoted(wish.who), httponly=True, samesite="strict")
    return answer


def command(visit: Visit) -> Response:
    """One command, and whether it was obeyed."""
    row, reached = visit.sources.control.followed(visit.path["command"])
    told = [(session, *obeyed(row, session)) for session in reached]
    waiting = any(state == "waiting" for _, state, _ in told) and is_in_force(row, visit.now)
    return visit.show(
        "command.html",
        "Command",
        row=row,
        told=told,
        order=ORDERS.get(row["action"], row["action"]),
        waiting=waiting,
        in_force=is_in_force(row, visit.now),
    )


def obeyed(command: Row, session: Row) -> tuple[str, str]:
    """Whether a session did what it was told: a state for the eye, and words."""
    status, last = session["status"], session["last_event_at"]
    if status == "stopped" and last >= command["issued_at"]:
        return "obeyed", "stopped"
    if status not in {"open", "silent"}:
        return "info", f"had ended by itself: {status}"
    if command["action"] == "terminate":
        return "waiting", "still open"
    busy = last > command["issued_at"] + _SETTLE
    if command["action"] == "pause":
        return ("waiting", "still at work") if busy else ("obeyed", "nothing was heard of it since")
    return ("obeyed", "at work again") if last > command["issued_at"] else ("waiting", "nothing was heard of it yet")


def _wish(form: Mapping[str, str]) -> Wish:
    order, kind, length = form.get("action", ""), form.get("kind", ""), form.get("length", "")
    for name, value, allowed in (("action", order, ORDERS), ("kind", kind, KINDS), ("length", length, LENGTHS)):
        if value not in allowed:
            raise AskedWrongError(f"{name} is {value!r}: give one of {', '.join(allowed)}")
    missing = {"target": "whom it is for", "reason": "the reason", "who": "your name"}
    for name, title in missing.items():
        if not form.get(name):
            raise AskedWrongError(f"{title} is missing: agents log it, and auditors read it")
    tenant = form["target"] if kind == "tenant" else form.get("tenant", "")
    if not tenant:
        raise AskedWrongError("the tenant is missing: two tenants may have agents of one name")
    return Wish(
        order=_ORDER[order], kind=_KIND[kind], target=form["target"], tenant=tenant, reason=form["reason"],
        who=form["who"], span=LENGTHS[length],
    )  # fmt: skip


_ORDER: Final[Mapping[str, Order]] = {"terminate": "terminate", "pause": "pause", "resume": "resume"}
_KIND: Final[Mapping[str, Kind]] = {"session": "session", "agent": "agent", "tenant": "tenant"}

PAGES: Final = (
    Page("/control", control, menu="Control", order=40),
    Page("/control/confirm", confirm, method="POST"),
    Page("/control/give", give, method="POST"),
    Page("/commands/{command:path}", command),
)
