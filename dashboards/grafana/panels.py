"""What panels share: their form, their colours, their links. Tables are in `tables`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from grafana_foundation_sdk.builders import common
from grafana_foundation_sdk.builders.barchart import Panel as BarChart
from grafana_foundation_sdk.builders.dashboard import DashboardLink, FieldColor, ThresholdsConfig
from grafana_foundation_sdk.builders.stat import Panel as Stat
from grafana_foundation_sdk.builders.timeseries import Panel as TimeSeries
from grafana_foundation_sdk.models.common import (
    GraphThresholdsStyleMode,
    LegendDisplayMode,
    LegendPlacement,
    StackingMode,
    TooltipDisplayMode,
    VisibilityMode,
    VizOrientation,
)
from grafana_foundation_sdk.models.dashboard import (
    DashboardLinkType,
    DynamicConfigValue,
    FieldColorModeId,
    Threshold,
    ThresholdsMode,
)

from watchkeeper.dashboards.grafana.palette import BLUE, RED, SEVERITY_COLOURS
from watchkeeper.dashboards.grafana.query import DATASOURCE, Query
from watchkeeper.dashboards.grafana.tables import NOTHING

HALF: Final = 12
THIRD: Final = 8
QUARTER: Final = 6
WHOLE: Final = 24


def line(
    title: str,
    description: str,
    statement: str,
    *,
    unit: str = "short",
    decimals: int | None = None,
    colours: Mapping[str, str] | None = None,
    stacked: bool = False,
    limit: float | None = None,
    width: int = HALF,
) -> TimeSeries:
    """Series over time.

    Args:
        title: what is shown.
        description: what it means, of what it is made, and what to do about it.
        statement: the file of its SQL: a column `time`, and one column for each series, or `name` and a value.
        unit: Grafana's name of the unit.
        decimals: how many are shown; None for as many as it takes.
        colours: of series by name.
        stacked: whether the series add up.
        limit: a line from which on it is bad.
        width: of 24.
    """
    panel = (
        _series("sum" if stacked else "lastNotNull")
        .title(title)
        .description(description)
        .with_target(Query(statement, "timeseries"))
        .unit(unit)
        .span(width)
    )
    if stacked:
        panel = panel.stacking(common.StackingConfig().mode(StackingMode.NORMAL)).fill_opacity(40)
    if limit is not None:
        panel = panel.thresholds(_from(limit)).thresholds_style(
            common.GraphThresholdsStyleConfig().mode(GraphThresholdsStyleMode.DASHED)
        )
    for name, colour in (colours or {}).items():
        panel = panel.override_by_name(name, [_fixed(colour)])
    return panel if decimals is None else panel.decimals(decimals)


def _series(first_figure: str) -> TimeSeries:
    """The form of all series over time; the legend tells this figure, and the largest."""
    return (
        TimeSeries()
        .datasource(DATASOURCE)
        .interval("1m")
        .min(0)
        .height(8)
        .no_value(NOTHING)
        .line_width(2)
        .show_points(VisibilityMode.AUTO)
        .span_nulls(False)
        .color_scheme(FieldColor().mode(FieldColorModeId.PALETTE_CLASSIC_BY_NAME))
        .legend(
            common.VizLegendOptions()
            .display_mode(LegendDisplayMode.TABLE)
            .placement(LegendPlacement.BOTTOM)
            .show_legend(True)
            .calcs([first_figure, "max"])
        )
        .tooltip(common.VizTooltipOptions().mode(TooltipDisplayMode.MULTI))
    )


def stat(
    title: str,
    description: str,
    statement: str,
    *,
    unit: str = "short",
    decimals: int | None = None,
    limit: float | None = None,
    width: int = 4,
) -> Stat:
    """One figure.

    Args:
        title: as for `line`.
        description: as for `line`.
        statement: the file of its SQL: one row, one column.
        unit: Grafana's name of the unit.
        decimals: how many are shown; None for as many as it takes.
        limit: from where on it is bad.
        width: of 24.
    """
    panel = (
        Stat()
        .title(title)
        .description(description)
        .datasource(DATASOURCE)
        .with_target(Query(statement))
        .unit(unit)
        .span(width)
        .height(4)
        .no_value(NOTHING)
        .reduce_options(common.ReduceDataOptions().calcs(["lastNotNull"]).fields("").values(False))
        .color_scheme(FieldColor().mode(FieldColorModeId.THRESHOLDS))
        .thresholds(_from(limit))
    )
    return panel if decimals is None else panel.decimals(decimals)


def bars(title: str, description: str, statement: str, *, unit: str = "short", width: int = HALF) -> BarChart:
    """A bar for each row: the first column names it.

    Args:
        title: as for `line`.
        description: as for `line`.
        statement: the file of its SQL.
        unit: Grafana's name of the unit.
        width: of 24.
    """
    panel = (
        BarChart()
        .title(title)
        .description(description)
        .datasource(DATASOURCE)
        .with_target(Query(statement))
        .orientation(VizOrientation.HORIZONTAL)
        .stacking(StackingMode.NORMAL)
        .unit(unit)
        .span(width)
        .height(10)
        .no_value(NOTHING)
    )
    for name, colour in SEVERITY_COLOURS.items():
        panel = panel.override_by_name(name, [_fixed(colour)])
    return panel


def to_board(title: str, uid: str) -> DashboardLink:
    """A link to another dashboard, with the range and the variables kept."""
    return DashboardLink(title).type(DashboardLinkType.LINK).url(f"/d/{uid}").include_vars(True).keep_time(True)


def _from(limit: float | None) -> ThresholdsConfig:
    steps = [Threshold(value=None, color=BLUE)]
    if limit is not None:
        steps.append(Threshold(value=limit, color=RED))
    return ThresholdsConfig().mode(ThresholdsMode.ABSOLUTE).steps(steps)


def _fixed(colour: str) -> DynamicConfigValue:
    return DynamicConfigValue(id_val="color", value={"mode": "fixed", "fixedColor": colour})
