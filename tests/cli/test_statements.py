"""What commands, the console and the alert router ask of ClickHouse: bound in time or by key; pages by their place."""

from __future__ import annotations

import importlib
import pkgutil
import re
from collections.abc import Iterator

import pytest

import watchkeeper.cli
import watchkeeper.dashboards.alerting

BY_HAND = ("arrival", "demo", "policies", "repro")
"""Commands that a person gives now and then, about one import, one demo or a policy's whole past."""

EXCEPT = {
    "cli.finding_queries.FOUND_BY_RULE": "how often rules are right, asked by hand; each day's findings by themselves",
    "cli.console.drift._SCORES": "of one agent, by key, and no more than its limit",
    "cli.control_queries.OPEN_SESSIONS": "what is open has no time; of the copy a narrow column of one tenant is read",
}
READING = re.compile(r"\bFROM (events|contents|findings|sessions|sessions_by_time|scores)\b( FINAL)?")
IN_ORDER_OF_TIME = {"sessions_by_time": ("opened_at", "last_event_at"), "findings": ("first_event_at",)}
KEYS = (
    "session_id = {session:String}",
    "finding_id = {finding:String}",
    "finding_id IN ",
    "session_id IN {sessions:Array(String)}",
    "address IN {addresses:Array(String)}",
    "(source_partition, tenant_id, session_id) IN (",
    "toYYYYMMDD(first_event_at) IN {days:Array(UInt32)}",
)
"""By these few granules are read. Findings are partitioned by day, and `FINAL` is asked of each by itself."""

TIMES = re.compile(r"\b(\w+_at) (?:>=|<=|>|<|BETWEEN) |\{(?:stored_)?since:")


def statements() -> Iterator[tuple[str, str]]:
    """Every text of a module that reads one of the large tables."""
    for package in (watchkeeper.cli, watchkeeper.dashboards.alerting):
        for module in pkgutil.walk_packages(package.__path__, f"{package.__name__}."):
            if module.name.split(".")[2] in BY_HAND:
                continue
            for name, value in vars(importlib.import_module(module.name)).items():
                if isinstance(value, str) and READING.search(value) and not name.startswith("__"):
                    yield f"{module.name.removeprefix('watchkeeper.')}.{name}", value


STATEMENTS = dict(statements())


def rest_of_select(statement: str, start: int) -> str:
    """From there to the end of the SELECT in which it stands."""
    depth = 0
    for at in range(start, len(statement)):
        depth += {"(": 1, ")": -1}.get(statement[at], 0)
        if depth < 0 or (depth == 0 and statement.startswith("UNION ALL", at)):
            return statement[start:at]
    return statement[start:]


def test_there_are_some() -> None:
    assert {"cli.queries.SESSIONS", "cli.queries.EVENTS_OF_SESSION", *EXCEPT} <= set(STATEMENTS)


@pytest.mark.parametrize("name", STATEMENTS)
def test_pages_go_on_after_a_place_and_skip_nothing(name: str) -> None:
    assert not re.search(r"\bOFFSET\b", STATEMENTS[name], re.IGNORECASE)


@pytest.mark.parametrize("name", sorted(STATEMENTS.keys() - EXCEPT.keys()))
def test_every_reading_is_bound(name: str) -> None:
    for reading in READING.finditer(STATEMENTS[name]):
        rest = rest_of_select(STATEMENTS[name], reading.end())
        table, is_final = reading[1], bool(reading[2])
        by_key = any(key in rest for key in KEYS)
        assert by_key or TIMES.search(rest), table
        if is_final:
            assert by_key or any(column in rest for column in IN_ORDER_OF_TIME.get(table, ())), f"{table} FINAL"
