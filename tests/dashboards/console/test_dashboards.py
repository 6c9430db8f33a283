"""The dashboards' panels as the console draws them: the same rows as Grafana gets, with a table behind each chart."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from markupsafe import escape

from watchkeeper.cli import formats
from watchkeeper.dashboards.console import boards as module
from watchkeeper.dashboards.console.boards import Panel, boards
from watchkeeper.dashboards.console.drawing import Span, drawn, rounded_up
from watchkeeper.dashboards.console.units import written
from watchkeeper.schemas.errors import ConfigurationError

BEGIN = datetime(2026, 3, 2, 10, tzinfo=UTC)
SPAN = Span(BEGIN, BEGIN + timedelta(hours=2))


def panel(kind: str = "timeseries", **more: Any) -> Panel:
    told: dict[str, Any] = {
        "number": 1, "title": "Calls", "description": "", "kind": kind, "wide": False, "unit": "short",
        "decimals": None, "limit": None, "stacked": False, "statements": (),
    }  # fmt: skip
    return Panel(**(told | more))


def test_a_dashboard_about_one_thing_asks_for_its_name(browse: Any) -> None:
    told = browse.get("/dashboards/session")
    assert told.status == 200
    assert "Name one above: Session." in told.text
    assert "no data" not in told.text


@pytest.mark.parametrize("name", boards())
def test_every_dashboard_is_shown_over_an_empty_store(browse: Any, name: str) -> None:
    # Nobody's tenant: other tests fill the same store.
    told = browse.get(f"/dashboards/{name}?range=1h&var-tenant=nobody-at-all&var-session=nothing")
    assert told.status == 200
    assert "could not be asked" not in told.text
    assert 'class="trouble"' not in told.text
    for one in boards()[name].panels:
        assert str(escape(one.title)) in told.text


def test_an_unknown_dashboard_or_range_names_those_there_are(browse: Any) -> None:
    missing = browse.get("/dashboards/nothing")
    assert missing.status == 404
    assert "there are overview" in missing.text
    wrong = browse.get("/dashboards/overview?range=1y")
    assert wrong.status == 400
    assert "30d" in wrong.text


@pytest.mark.parametrize("value", ["x' OR 1=1 --", "\\' OR 1=1 --", "') UNION ALL SELECT 1 --", "{tenant:String}"])
def test_a_value_in_the_address_stays_a_value(browse: Any, value: str) -> None:
    told = browse.get("/dashboards/overview", **{"var-tenant": value})
    assert told.status == 200
    assert 'class="trouble"' not in told.text
    assert ">no data<" in told.text


@pytest.mark.parametrize("value", ["$__all'", "$__timeFilter(", "a${agent}"])
def test_a_value_that_is_a_macro_is_refused(browse: Any, value: str) -> None:
    told = browse.get("/dashboards/overview", **{"var-tenant": value})
    assert told.status == 400
    assert "a $ in it" in told.text


def test_a_panel_with_a_raw_variable_is_refused(tmp_path: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    (file,) = module.FOLDER.glob("watchkeeper-spend.json")
    told = json.loads(file.read_text())
    told["panels"][1]["targets"][0]["rawSql"] += " AND agent_id IN ($agent)"
    (tmp_path / "bad.json").write_text(json.dumps(told))
    monkeypatch.setattr(module, "FOLDER", tmp_path)
    boards.cache_clear()
    try:
        with pytest.raises(ConfigurationError, match="without quotes"):
            boards()
    finally:
        boards.cache_clear()


def test_lines_stand_at_their_time_and_height() -> None:
    rows = [{"time": BEGIN + timedelta(hours=hour), "calls": value} for hour, value in ((0, 5), (1, 0), (2, 10))]
    lines = drawn(panel(limit=8), rows, SPAN, formats).lines
    assert lines is not None
    (series,) = lines.series
    assert series.path == "M0.0 150.0L500.0 300.0L1000.0 0.0"
    assert (series.last, series.most) == ("10", "10")
    assert (lines.scale, lines.times) == (("10", "5", "0"), ("10:00", "11:00", "12:00"))
    assert lines.limit == 60.0
    assert lines.table.rows[1] == ("2026-03-02 11:00:00", "0")


def test_series_beside_each_other_stack_and_what_is_missing_is_missing() -> None:
    rows = [
        {"time": BEGIN, "name": "a", "calls": 2}, {"time": BEGIN, "name": "b", "calls": 3},
        {"time": BEGIN + timedelta(hours=2), "name": "a", "calls": 4},
    ]  # fmt: skip
    lines = drawn(panel(stacked=True, colours={"a": "#112233"}), rows, SPAN, formats).lines
    assert lines is not None
    first, second = lines.series
    assert (first.name, first.colour, second.name, second.colour) == ("a", "#112233", "b", "")
    assert second.path == "M0.0 0.0L1000.0 60.0"
    assert second.area.endswith("L1000.0 60.0L0.0 180.0Z")
    assert lines.table.rows == (("2026-03-02 10:00:00", "2", "3"), ("2026-03-02 12:00:00", "4", "-"))


def test_one_point_is_a_dot_and_nothing_is_no_data() -> None:
    lines = drawn(panel(), [{"time": BEGIN, "calls": 1}], SPAN, formats).lines
    assert lines is not None
    assert lines.series[0].dots == ((0.0, 0.0),)
    figure = drawn(panel("stat", limit=1.0), [{"a": None}], SPAN, formats).figure
    assert figure is not None
    assert (figure.text, figure.bad) == ("no data", False)


def test_a_figure_is_bad_from_its_limit_on() -> None:
    for value, bad in ((0.049, False), (0.05, True)):
        figure = drawn(panel("stat", unit="percentunit", limit=0.05), [{"share": value}], SPAN, formats).figure
        assert figure is not None
        assert figure.bad is bad


def test_bars_share_one_scale() -> None:
    rows = [{"mode": "loop", "high": 3, "low": 1}, {"mode": "leak", "high": 0, "low": 2}]
    bars = drawn(panel("barchart"), rows, SPAN, formats).bars
    assert bars is not None
    assert [(bar.name, bar.total) for bar in bars.bars] == [("loop", "4"), ("leak", "2")]
    assert bars.bars[0].parts == (("high", "", 0.0, 750.0, "3"), ("low", "", 750.0, 250.0, "1"))
    assert bars.bars[1].parts == (("low", "", 0.0, 500.0, "2"),)


@pytest.mark.parametrize(
    ("value", "unit", "text"),
    [
        (0.0512, "percentunit", "5.1 %"), (12.5, "currencyUSD", "$12.50"), (0.25, "s", "250 ms"), (90, "ms", "90 ms"),
        (2048, "bytes", "2.0 KiB"), (12.0, "eps", "12/s"), (1234567, "short", "1,234,567"), (0.12345, "short", "0.123"),
        (None, "short", "no data"), (float("nan"), "short", "no data"), ("text", "short", "text"),
    ],
)  # fmt: skip
def test_units(value: Any, unit: str, text: str) -> None:
    assert written(value, unit, formats) == text


@pytest.mark.parametrize(
    ("value", "top"), [(0, 1), (3, 5), (10, 10), (11, 20), (0.0003, 0.0005), (260, 500), (240, 250)]
)
def test_scales_end_at_round_figures(value: float, top: float) -> None:
    assert rounded_up(value) == pytest.approx(top)
