"""Grafana's dashboards, drawn by the console."""

from __future__ import annotations

from typing import Final

from starlette.responses import Response

from watchkeeper.dashboards.console.asking import SPANS, ask, asked_for, choices
from watchkeeper.dashboards.console.boards import board_of, boards
from watchkeeper.dashboards.console.visit import Page, Visit


def listed(visit: Visit) -> Response:
    """All dashboards."""
    return visit.show("dashboards.html", "Dashboards", boards=list(boards().values()))


def dashboard(visit: Visit) -> Response:
    """One dashboard."""
    board = board_of(visit.path["name"])
    asked = asked_for(visit, board)
    above = choices(visit, board, asked)
    # Without a name there is nothing to ask of the store: each panel would say that it has no data.
    missing = [one.variable.label for one in above if one.variable.text and not any(one.chosen)]
    return visit.show(
        "dashboard.html",
        board.title,
        board=board,
        boards=list(boards().values()),
        spans=list(SPANS),
        asked=asked,
        choices=above,
        missing=missing,
        drawn={} if missing else ask(visit, board.panels, asked),
    )


PAGES: Final = (
    Page("/dashboards", listed, menu="Dashboards", order=50),
    Page("/dashboards/{name}", dashboard),
)
