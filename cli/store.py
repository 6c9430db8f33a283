"""The commands' way to ClickHouse: bound parameters, a time limit, rows by column name."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime
from typing import Any, Final

import urllib3
from clickhouse_connect.driver import Client
from clickhouse_connect.driver.exceptions import ClickHouseError

from watchkeeper.schemas.model import to_us
from watchkeeper.schemas.rows import INSERT_SETTINGS
from watchkeeper.stream_processors.clickhouse import Address, connect_to, parse_dsn, store_error

MAX_SECONDS: Final = 30
"""A question that takes longer is given up: the store has other work."""

Row = dict[str, Any]

# The client tells its errors to whoever listens, and else to stderr; here they are raised, and told once.
logging.getLogger("clickhouse_connect").addHandler(logging.NullHandler())
logging.getLogger("urllib3").addHandler(logging.NullHandler())


class ReadStore:
    """Rows out of the store, and the few rows that commands put in.

    Every method raises `StoreUnavailableError` where nobody answers, or not within `MAX_SECONDS`; `ConfigurationError`
    where tables are missing or the user is refused; `PermanentError` where ClickHouse will never take what was sent.
    """

    def __init__(self, client: Client, address: Address) -> None:
        self._client = client
        self._address = address

    def rows(self, sql: str, **parameters: Any) -> list[Row]:
        """The rows of a query. Moments are bound as microseconds since 1970: no zone and no format takes part."""
        bound = {name: to_us(value) if isinstance(value, datetime) else value for name, value in parameters.items()}
        with self._errors_sorted():
            found = self._client.query(sql, parameters=bound)
        return [dict(zip(found.column_names, row, strict=True)) for row in found.result_rows]

    def row(self, sql: str, **parameters: Any) -> Row | None:
        """The first row of a query."""
        found = self.rows(sql, **parameters)
        return found[0] if found else None

    def insert(self, table: str, rows: Sequence[bytes]) -> None:
        """Puts rows in, each a JSON object by column name; returns when they are kept."""
        with self._errors_sorted():
            self._client.raw_insert(table, insert_block=b"\n".join(rows), fmt="JSONEachRow", settings=INSERT_SETTINGS)

    @contextmanager
    def _errors_sorted(self) -> Iterator[None]:
        try:
            yield
        except (ClickHouseError, urllib3.exceptions.HTTPError, OSError) as error:
            raise store_error(error, self._address) from error


@contextmanager
def open_store(dsn: str, *, seconds: int = MAX_SECONDS, slack_seconds: int = 10) -> Iterator[ReadStore]:
    """The store at an address, for the length of a block.

    Args:
        dsn: `http://user:password@host:port/database`.
        seconds: what a question may take.
        slack_seconds: how much longer to wait for the answer, and for a connection.

    Raises:
        ConfigurationError: the address is malformed or refused.
        StoreUnavailableError: nobody answers there.
    """
    address = parse_dsn(dsn)
    client = connect_to(
        address,
        connect_timeout=slack_seconds,
        send_receive_timeout=seconds + slack_seconds,
        max_execution_time=seconds,
    )
    try:
        yield ReadStore(client, address)
    finally:
        client.close()
