"""What was found: the list, each finding with its evidence and runbook, and what people say of it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Any, Final

import orjson
from starlette.responses import Response

from watchkeeper.dashboards.console.errors import AskedWrongError, NotThereError
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
from watchkeeper.dashboards.console.finding_source import Judgement
from watchkeeper.dashboards.console.rows import Row
from watchkeeper.dashboards.console.runbooks import runbook
from watchkeeper.dashboards.console.story import Beat
from watchkeeper.dashboards.console.visit import WHO_COOKIE, Page, Visit
from watchkeeper.schemas.failure_modes import FAILURE_MODES, SEVERITIES
from watchkeeper.schemas.model import to_us
from watchkeeper.schemas.verdicts import Verdict

STATUSES: Final = ("open", "resolved")
VERDICTS: Final = ("none", "ack", "wrong", "mute")
MUTES: Final[Mapping[str, timedelta]] = {
    "1d": timedelta(days=1),
    "7d": timedelta(days=7),
    "30d": timedelta(days=30),
}
STEPS_BEFORE: Final = 4
"""Steps of the session that are told before the finding."""

_SAYING: Final[Mapping[str, Verdict]] = {"ack": "ack", "wrong": "wrong", "mute": "mute"}


def findings(visit: Visit) -> Response:
    """The list, newest first."""
    names = {name: name_of(visit, name) for name in ("tenant", "agent", "session")}
    chosen = {
        "mode": one_of(visit, "mode", FAILURE_MODES),
        "status": one_of(visit, "status", STATUSES),
        "verdict": one_of(visit, "verdict", VERDICTS),
    }
    severity, muted = one_of(visit, "severity", SEVERITIES), one_of(visit, "muted", ("yes",))
    span, since = since_of(visit, "24h")
    found = visit.sources.findings.listed(
        stored_since=since,
        limit=PAGE_ROWS + 1,
        after=_after(visit),
        severities=at_least(severity),
        muted=int(muted == "yes"),
        **names,
        **chosen,
    )
    fields: list[Text | Choice] = [Text(name, name.capitalize(), value) for name, value in names.items()]
    fields += [
        Choice("mode", "Failure mode", FAILURE_MODES, chosen["mode"]),
        Choice("severity", "Severity, at least", SEVERITIES, severity),
        Choice("status", "Status", STATUSES, chosen["status"]),
        Choice("verdict", "People say", VERDICTS, chosen["verdict"], everything="anything"),
        Choice("muted", "Muted ones", ("yes",), muted, everything="leave out"),
        Choice("since", "Stored in the last", tuple(SPANS), span, everything=""),
    ]
    older = _next(visit, found[PAGE_ROWS - 1]) if len(found) > PAGE_ROWS else ""
    return visit.show("findings.html", "Findings", fields=fields, rows=found[:PAGE_ROWS], older=older, span=span)


def _after(visit: Visit) -> Row | None:
    finding = name_of(visit, "after_finding")
    if not finding:
        return None
    stored, detected = moment_of(visit, "after_stored"), moment_of(visit, "after_detected")
    return {"finding_id": finding, "stored_at": stored, "detected_at": detected}


def _next(visit: Visit, last: Row) -> str:
    return visit.address(
        after_stored=str(to_us(last["stored_at"])),
        after_detected=str(to_us(last["detected_at"])),
        after_finding=last["finding_id"],
    )


def finding(visit: Visit) -> Response:
    """One finding."""
    row, history = visit.sources.findings.one(visit.path["finding"], name_of(visit, "tenant"))
    return visit.show(
        "finding.html",
        "Finding",
        row=row,
        history=history,
        evidence=_lines(orjson.loads(row["evidence"])),
        moment=_moment(visit, row),
        runbook=runbook(row["failure_mode"]),
        mutes=list(MUTES),
        said=one_of(visit, "said", tuple(_SAYING)),
    )


def _moment(visit: Visit, row: Row) -> Sequence[Beat]:
    """What the session did up to the finding; nothing where the finding is about none, or its events are gone."""
    if not row["session_id"]:
        return ()
    try:
        beats = visit.sources.sessions.story(row["session_id"], row["tenant_id"]).beats
    except NotThereError:
        return ()
    place = next((number for number, beat in enumerate(beats) if beat.name == row["finding_id"]), None)
    if place is None:
        return ()
    # Beside it stand others that were found at the same event; what led there are events.
    begin, events = place, 0
    while begin and events < STEPS_BEFORE:
        begin -= 1
        events += beats[begin].kind == "event"
    return [beat for beat in beats[begin : place + 1] if beat.kind != "finding" or beat.name == row["finding_id"]]


def _lines(evidence: Mapping[str, Any]) -> list[tuple[str, str]]:
    """The evidence field by field; what is no plain value as JSON of several lines."""
    return [
        (name.replace("_", " "), _text(value)) for name, value in evidence.items() if value not in (None, "", [], {})
    ]


def _text(value: Any) -> str:
    if isinstance(value, str):
        return value
    if isinstance(value, list) and all(isinstance(one, (str, int, float)) for one in value):
        return ", ".join(map(str, value))
    return orjson.dumps(value, option=orjson.OPT_INDENT_2).decode()


def judge(visit: Visit) -> Response:
    """Keeps what somebody says of a finding."""
    form, name = visit.form, visit.path["finding"]
    verdict = _SAYING.get(form.get("verdict", ""))
    if verdict is None:
        raise AskedWrongError(f"verdict is {form.get('verdict', '')!r}: give one of {', '.join(_SAYING)}")
    for field, title in (("reason", "the reason"), ("who", "your name")):
        if not form.get(field):
            raise AskedWrongError(f"{title} is missing: it is kept with what you say")
    span = None
    if verdict == "mute":
        span = MUTES.get(form.get("span", ""))
        if span is None:
            raise AskedWrongError(f"for how long it is muted is missing: give one of {', '.join(MUTES)}")
    visit.sources.findings.judge(name, form.get("tenant", ""), Judgement(verdict, form["reason"], form["who"], span))
    answer = visit.go(f"/findings/{visit.quoted(name)}?said={verdict}")
    answer.set_cookie(WHO_COOKIE, visit.quoted(form["who"]), httponly=True, samesite="strict")
    return answer


PAGES: Final = (
    Page("/findings", findings, menu="Findings", order=20),
    Page("/findings/{finding:path}", finding),
    Page("/judge/{finding:path}", judge, method="POST"),
)
