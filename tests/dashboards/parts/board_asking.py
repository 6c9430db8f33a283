"""A panel's question as Grafana would ask it, over a store of a test's own."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import Any

import orjson
from clickhouse_connect.driver import Client

from watchkeeper.cli.stack.testing import separate_database
from watchkeeper.dashboards.grafana.build import boards
from watchkeeper.dashboards.grafana.macros import ALL, Range, expand
from watchkeeper.dashboards.grafana.variables import VARIABLES
from watchkeeper.schemas.rows import INSERT_SETTINGS
from watchkeeper.stream_processors.clickhouse import connect

Row = dict[str, Any]

END = datetime(2026, 3, 2, 12, 0, tzinfo=UTC)
EVERYTHING: dict[str, list[str]] = {name: [""] if name == "session" else [ALL] for name in VARIABLES}
LAST_HOUR = Range(END - timedelta(hours=1), END, 60_000)
LAST_DAYS = Range(END - timedelta(days=7), END, 1_800_000)
DOCUMENTS = {board.uid: board.document() for board in boards()}
PANELS = {
    f"{uid}: {panel['title']}": panel
    for uid, document in DOCUMENTS.items()
    for panel in document["panels"]
    if panel["type"] not in {"row", "text"}
}


@contextmanager
def fresh_store(clickhouse: str) -> Iterator[tuple[Client, str]]:
    """A migrated database of its own, and its address; gone at the end."""
    with separate_database(clickhouse, "boards") as fresh:
        opened = connect(fresh)
        yield opened, fresh
        opened.close()


def put(client: Client, table: str, rows: list[Row]) -> None:
    """Stores rows as the worker does."""
    body = b"\n".join(orjson.dumps(row) for row in rows)
    client.raw_insert(table, insert_block=body, fmt="JSONEachRow", settings=INSERT_SETTINGS)


def ask(client: Client, panel: str, span: Range, **values: Any) -> list[Row]:
    """The rows of a panel, named `uid: title`."""
    (target,) = PANELS[panel]["targets"]
    return list(client.query(expand(target["rawSql"], span, EVERYTHING | values)).named_results())


def drawn_over(client: Client, uid: str, span: Range, **values: Any) -> dict[str, list[Row]]:
    """What a board draws over its series, by name."""
    return {
        drawn["name"]: list(client.query(expand(drawn["target"]["rawSql"], span, EVERYTHING | values)).named_results())
        for drawn in DOCUMENTS[uid]["annotations"]["list"]
    }


def one(rows: list[Row]) -> Any:
    """The only value of the only row."""
    (row,) = rows
    (value,) = row.values()
    return value
