"""Statements are expanded as Grafana and the ClickHouse data source do it."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from watchkeeper.dashboards.grafana.macros import ALL, Range, expand
from watchkeeper.schemas.errors import ConfigurationError

# The range of the plugin's own tests.
SPAN = Range(
    datetime(2014, 11, 12, 11, 45, 26, 371_000, tzinfo=UTC),
    datetime(2015, 11, 12, 11, 45, 26, 371_000, tzinfo=UTC),
    20_000,
)

SECONDS = "col >= toDateTime(1415792726) AND col <= toDateTime(1447328726)"


@pytest.mark.parametrize(
    ("sql", "expanded"),
    [
        ("a > $__fromTime", "a > toDateTime(1415792726)"),
        ("a < $__toTime", "a < toDateTime(1447328726)"),
        ("a > $__fromTime_ms", "a > fromUnixTimestamp64Milli(1415792726371)"),
        ("a < $__toTime_ms", "a < fromUnixTimestamp64Milli(1447328726371)"),
        ("$__timeFilter(col)", SECONDS),
        (
            "$__timeFilter_ms(col)",
            "col >= fromUnixTimestamp64Milli(1415792726371) AND col <= fromUnixTimestamp64Milli(1447328726371)",
        ),
        ("$__dateFilter(d)", "d >= toDate('2014-11-12') AND d <= toDate('2015-11-12')"),
        (
            "$__dateTimeFilter(d, t)",
            f"(d >= toDate('2014-11-12') AND d <= toDate('2015-11-12')) AND ({SECONDS.replace('col', 't')})",
        ),
        ("$__timeInterval(col)", "toStartOfInterval(toDateTime(col), INTERVAL 20 second)"),
        ("$__timeInterval_ms(col)", "toStartOfInterval(toDateTime64(col, 3), INTERVAL 20000 millisecond)"),
        ("INTERVAL $__interval_s second", "INTERVAL 20 second"),
        (
            "$__timeFilter(f(a, 'b'))",
            "f(a, 'b') >= toDateTime(1415792726) AND f(a, 'b') <= toDateTime(1447328726)",
        ),
        ("$__timeFilter(toDate(a))", "toDate(a) >= toDateTime(1415792726) AND toDate(a) <= toDateTime(1447328726)"),
        ("SELECT 1", "SELECT 1"),
    ],
)
def test_macros(sql: str, expanded: str) -> None:
    assert expand(sql, SPAN) == expanded


@pytest.mark.parametrize(
    ("sql", "values", "expanded"),
    [
        ("a = '${t}'", {"t": "x"}, "a = 'x'"),
        ("a = $t", {"t": "x"}, "a = x"),
        ("a IN (${t:singlequote})", {"t": ["x", "o'y"]}, "a IN ('x','o\\'y')"),
        ("a IN (${t:singlequote})", {"t": "x"}, "a IN ('x')"),
        ("$__conditionalAll(a IN (${t:singlequote}), $t)", {"t": ["x", "y"]}, "a IN ('x','y')"),
        ("$__conditionalAll(a IN (${t:singlequote}), $t)", {"t": [ALL]}, "1=1"),
        ("$__conditionalAll(a IN (${t:singlequote}), $t) AND b", {"t": ALL}, "1=1 AND b"),
        ("$__conditionalAll(f(a, b) IN (${t:singlequote}), $t)", {"t": "x"}, "f(a,b) IN ('x')"),
    ],
)
def test_variables(sql: str, values: dict[str, Any], expanded: str) -> None:
    assert expand(sql, SPAN, values).replace(", ", ",") == expanded.replace(", ", ",")


@pytest.mark.parametrize(
    ("sql", "told"),
    [
        ("$__nothing(a)", "is not one of the ClickHouse data source"),
        ("$t", "has no value"),
        ("${t:json}", "has no value"),
        ("$__timeFilter", "takes 1 arguments"),
        ("$__timeFilter(a, b)", "takes 1 arguments"),
        ("$__timeFilter(a", "never closed"),
        ("$__conditionalAll(a, $t)", "known variable"),
    ],
)
def test_what_is_wrong_is_told(sql: str, told: str) -> None:
    with pytest.raises(ConfigurationError, match=told):
        expand(sql, SPAN)


def test_a_range_begins_before_it_ends() -> None:
    with pytest.raises(ConfigurationError, match="begins before it ends"):
        Range(SPAN.until, SPAN.since)
