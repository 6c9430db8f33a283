"""A dashboard as it is told, and as Grafana reads it."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

from grafana_foundation_sdk.builders.dashboard import Dashboard, Row
from grafana_foundation_sdk.cog.builder import Builder
from grafana_foundation_sdk.cog.encoder import JSONEncoder
from grafana_foundation_sdk.models.dashboard import DashboardCursorSync, Panel

from watchkeeper.dashboards.grafana.annotations import changes
from watchkeeper.dashboards.grafana.panels import to_board
from watchkeeper.dashboards.grafana.variables import VARIABLES, VariableName

LINKS: Final = (
    ("Overview", "watchkeeper-overview"),
    ("Agent", "watchkeeper-agent"),
    ("Session", "watchkeeper-session"),
    ("Failure modes", "watchkeeper-modes"),
    ("Spend", "watchkeeper-spend"),
    ("Quality", "watchkeeper-quality"),
    ("Tools and latency", "watchkeeper-tools"),
    ("Pipeline", "watchkeeper-pipeline"),
    ("Runbooks", "watchkeeper-runbooks"),
)
USUAL: Final[tuple[VariableName, ...]] = ("tenant", "agent", "version", "origin")


@dataclass(frozen=True, slots=True)
class Board:
    """One dashboard.

    Attributes:
        uid: stays the same for ever: links and provisioning go by it.
        rows: headings, each with its panels from left to right; a heading may be left out.
        variables: those that stand above it, in this order.
        annotated: whether changes and drift alarms are drawn over its series.
        days: of the range at first.
    """

    uid: str
    title: str
    description: str
    rows: Sequence[tuple[Row | None, Sequence[Builder[Panel]]]]
    variables: Sequence[VariableName] = USUAL
    annotated: bool = True
    days: int = 1

    def document(self) -> dict[str, Any]:
        """The dashboard as Grafana reads it."""
        built = (
            Dashboard(self.title)
            .uid(self.uid)
            .description(self.description)
            .tags(["watchkeeper"])
            .timezone("browser")
            .time("now-24h" if self.days == 1 else f"now-{self.days}d", "now")
            .refresh("30s")
            .readonly()
            .tooltip(DashboardCursorSync.CROSSHAIR)
            .variables([VARIABLES[name]() for name in self.variables])
            .links([to_board(title, uid) for title, uid in LINKS if uid != self.uid])
        )
        for annotation in changes() if self.annotated else ():
            built = built.annotation(annotation)
        for row, panels in self.rows:
            built = built if row is None else built.with_row(row)
            for panel in panels:
                built = built.with_panel(panel)
        document: dict[str, Any] = json.loads(JSONEncoder(sort_keys=True).encode(built.build()))
        # Links to a panel go by its number; the builder leaves it open.
        for number, panel in enumerate(document["panels"], 1):
            panel["id"] = number
        return document
