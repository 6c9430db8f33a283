"""The console's way to ClickHouse: opened when it is first asked, opened again after it was away."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from typing import Any, Final

from watchkeeper.cli.store import ReadStore, Row
from watchkeeper.stream_processors.clickhouse import connect_to, parse_dsn

SECONDS: Final = 10
"""What a question may take: somebody waits for the page."""

_SLACK_SECONDS: Final = 5


class LazyStore(ReadStore):
    """As `ReadStore`, for many threads, and for a store that may be away when the console starts.

    Args:
        dsn: `http://user:password@host:port/database`.

    Raises:
        ConfigurationError: the address is malformed.
    """

    def __init__(self, dsn: str) -> None:
        self._address = parse_dsn(dsn)
        self._opened: ReadStore | None = None
        self._lock = threading.Lock()

    def rows(self, sql: str, **parameters: Any) -> list[Row]:
        """See `ReadStore`."""
        return self._at_hand().rows(sql, **parameters)

    def insert(self, table: str, rows: Sequence[bytes]) -> None:
        """See `ReadStore`."""
        self._at_hand().insert(table, rows)

    def _at_hand(self) -> ReadStore:
        with self._lock:
            if self._opened is None:
                client = connect_to(
                    self._address,
                    connect_timeout=_SLACK_SECONDS,
                    send_receive_timeout=SECONDS + _SLACK_SECONDS,
                    max_execution_time=SECONDS,
                )
                self._opened = ReadStore(client, self._address)
            return self._opened
