"""How the store is, as it tells itself: whether it answers, its disks, its tables."""

from __future__ import annotations

import logging
from typing import Any

from clickhouse_connect.driver import Client
from clickhouse_connect.driver.exceptions import DatabaseError

from watchkeeper.stream_processors.watching.meters import Meters

log = logging.getLogger(__name__)

_DISKS = "SELECT toFloat64(sum(total_space)), toFloat64(sum(free_space)) FROM system.disks"
_PARTS = """
SELECT table, max(parts), sum(bytes) FROM (
    SELECT table, partition_id, count() AS parts, toFloat64(sum(bytes_on_disk)) AS bytes FROM system.parts
    WHERE active AND database = currentDatabase() GROUP BY table, partition_id
) GROUP BY table
"""

_KEPT_TO_ITSELF = frozenset({46, 47, 60, 81, 497})
"""An engine without the table, column or function, or a user without the right to it."""


class StoreHealth:
    """Asks the store, and sets the figures. A store that keeps its system tables to itself leaves those out."""

    def __init__(self, meters: Meters) -> None:
        self._meters = meters
        self._refused: set[str] = set()

    def ask(self, client: Client) -> None:
        """Asks once.

        Raises:
            Exception: as the client raises it, where the store does not answer.
        """
        for total, free in self._rows(client, _DISKS):
            self._meters.set("watchkeeper_store_disk_bytes", total)
            self._meters.set("watchkeeper_store_disk_free_bytes", free)
        for table, parts, taken in self._rows(client, _PARTS):
            self._meters.set("watchkeeper_store_parts", parts, table=table)
            self._meters.set("watchkeeper_store_table_bytes", taken, table=table)
        client.command("SELECT 1")

    def _rows(self, client: Client, question: str) -> list[tuple[Any, ...]]:
        if question in self._refused:
            return []
        try:
            return [tuple(row) for row in client.query(question).result_rows]
        except DatabaseError as error:
            if error.code not in _KEPT_TO_ITSELF:
                raise
            self._refused.add(question)
            log.info("the store does not tell of its disks or tables (code %s)", error.code)
            return []
