"""The first page: is the fleet well, and what should be looked at first."""

from __future__ import annotations

from datetime import timedelta
from typing import Final

from starlette.responses import Response

from watchkeeper.dashboards.console.asking import SPANS, ask, asked_for
from watchkeeper.dashboards.console.boards import board_of
from watchkeeper.dashboards.console.pages.control import ORDERS, is_in_force
from watchkeeper.dashboards.console.visit import Page, Visit

LATEST: Final = 15
_LATEST: Final = "Latest findings"
"""A table of the dashboard, in whose place what was found stands here as it comes."""

_OF_LATE: Final = timedelta(hours=24)


def overview(visit: Visit) -> Response:
    """The page: whether anybody watches at all, the dashboard Overview, what was found last, what is in force."""
    board = board_of("overview")
    asked = asked_for(visit, board)
    panels = [panel for panel in board.panels if panel.title != _LATEST]
    drawn = ask(visit, panels, asked)
    commands = visit.sources.control.listed(visit.now - _OF_LATE, 100)
    return visit.show(
        "overview.html",
        "Overview",
        figures=[drawn[panel.number] for panel in panels if panel.kind == "stat"],
        charts=[drawn[panel.number] for panel in panels if panel.kind != "stat"],
        latest=visit.sources.findings.listed(stored_since=visit.now - _OF_LATE, limit=LATEST, muted=0),
        most=LATEST,
        in_force=[row for row in commands if is_in_force(row, visit.now) and row["action"] != "resume"],
        orders=ORDERS,
        trouble=visit.sources.pipeline.trouble(),
        spans=list(SPANS),
        asked=asked,
    )


PAGES: Final = (Page("/", overview, menu="Overview", order=0),)
