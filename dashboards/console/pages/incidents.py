"""Incidents: failures that belong together, and the report of each."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from starlette.responses import Response

from watchkeeper.dashboards.console.filters import PAGE_ROWS, SPANS, Choice, Text, name_of, one_of, since_of
from watchkeeper.dashboards.console.finding_source import IncidentText
from watchkeeper.dashboards.console.runbooks import rendered
from watchkeeper.dashboards.console.visit import Page, Visit


def incidents(visit: Visit) -> Response:
    """The list, newest first."""
    names: dict[str, Any] = {name: name_of(visit, name) for name in ("tenant", "agent")}
    status = one_of(visit, "status", ("open", "resolved"))
    span, since = since_of(visit, "30d")
    found = visit.sources.findings.listed(
        stored_since=since, limit=PAGE_ROWS, mode="incident", muted=1, status=status, **names
    )
    fields: list[Text | Choice] = [Text(name, name.capitalize(), value) for name, value in names.items()]
    fields += [
        Choice("status", "Status", ("open", "resolved"), status),
        Choice("since", "Stored in the last", tuple(SPANS), span, everything=""),
    ]
    return visit.show("incidents.html", "Incidents", fields=fields, rows=found, span=span)


def incident(visit: Visit) -> Response:
    """One incident's report."""
    name = visit.path["finding"]
    told = visit.sources.findings.incident(name, name_of(visit, "tenant"))
    title, _, rest = told.markdown.removeprefix("# ").partition("\n")
    report = rendered(rest, links=_links(visit, told))
    return visit.show("incident.html", "Incident", name=name, lead=rendered(title), report=report)


def _links(visit: Visit, told: IncidentText) -> Mapping[str, str]:
    """The console's own pages of what the report names."""
    whose = f"?tenant={visit.quoted(told.tenant)}"
    places = {name: f"/sessions/{visit.quoted(name)}{whose}" for name in told.sessions}
    steps = {event: f"{places[session]}#e-{event}" for event, session in told.events.items() if session in places}
    found = {name: f"/findings/{visit.quoted(name)}{whose}" for name in told.findings}
    return {**places, **steps, **found}


PAGES: Final = (
    Page("/incidents", incidents, menu="Incidents", order=30),
    Page("/incidents/{finding:path}", incident),
)
