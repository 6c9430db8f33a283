"""Drift: every stream against its baseline, and how one came to where it is."""

from __future__ import annotations

from itertools import groupby
from typing import Final

from starlette.responses import Response

from watchkeeper.dashboards.console.drift_plots import means_plot, statistic_plot
from watchkeeper.dashboards.console.drift_source import WatchedStream
from watchkeeper.dashboards.console.errors import NotThereError
from watchkeeper.dashboards.console.visit import Page, Visit

_ORDER: Final = {"drifted": 0, "refused": 1, "watching": 2, "gathering": 3}


def drift(visit: Visit) -> Response:
    """All agents' streams; those that drifted first."""
    streams = visit.sources.drift.streams(visit.query("tenant"), visit.query("agent"))
    by_agent = [(who, sorted(of, key=_grave_first)) for who, of in groupby(streams, key=_agent)]
    by_agent.sort(key=lambda group: _grave_first(group[1][0]))
    watched = [(who, [one for one in of if one.state != "gathering"]) for who, of in by_agent]
    gathering = [(who, [one for one in of if one.state == "gathering"]) for who, of in by_agent]
    return visit.show(
        "drift.html", "Drift", watched=[group for group in watched if group[1]],
        gathering=[group for group in gathering if group[1]], tenant=visit.query("tenant"), agent=visit.query("agent"),
        drifted=sum(one.state == "drifted" for one in streams),
    )  # fmt: skip


def stream(visit: Visit) -> Response:
    """One stream: its scores, and the statistic against what alarms."""
    wanted = {name: visit.query(name) for name in ("tenant", "agent", "origin", "family", "name")}
    found = next(
        (
            one
            for one in visit.sources.drift.streams(wanted["tenant"], wanted["agent"])
            if (one.origin, one.family, one.name) == (wanted["origin"] or "live", wanted["family"], wanted["name"])
            and (one.tenant_id, one.agent_id) == (wanted["tenant"], wanted["agent"])
        ),
        None,
    )
    if found is None:
        raise NotThereError(f"nothing called {wanted['name'][:100] or '(no name)'} is watched there: see Drift")
    course = visit.sources.drift.course(found)
    return visit.show(
        "drift_stream.html",
        f"{found.name} of {found.agent_id}",
        stream=found,
        course=course,
        means=means_plot(course),
        statistic=statistic_plot(course),
        last=course.alarms[-1].told if course.alarms else None,
    )


def _agent(one: WatchedStream) -> tuple[str, str, str]:
    return one.tenant_id, one.agent_id, one.origin


def _grave_first(one: WatchedStream) -> tuple[int, float]:
    return _ORDER[one.state], -(one.level.share if one.level else 0.0)


PAGES: Final = (
    Page("/drift", drift, menu="Drift", order=62),
    Page("/drift/stream", stream),
)
