"""The engine's store on ClickHouse: rows in, states and digests out, errors sorted into now and never."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Collection, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any, TypeVar

import urllib3
from clickhouse_connect.driver import Client
from clickhouse_connect.driver.exceptions import ClickHouseError

from watchkeeper.schemas.errors import ConfigurationError, PermanentError, StoreUnavailableError
from watchkeeper.schemas.rows import INSERT_SETTINGS
from watchkeeper.stream_processors.clickhouse import connect_to, parse_dsn, store_error
from watchkeeper.stream_processors.engine.ports import EventKey, RowsRefusedError, StoredState

T = TypeVar("T")

_KEYS_A_QUERY = 200
"""Query parameters travel in the request line, which servers bound at some 64 KiB."""

_KEY_COLUMNS = {"sessions": ("tenant_id", "session_id"), "subjects": ("subject",)}
_OPEN = {"sessions": " AND status = 'open'", "subjects": ""}


class ClickHouseStore:
    """See `watchkeeper.stream_processors.engine.ports.Store`.

    A database that is not there yet, or lacks its tables, is away, not wrong: it is waited for.

    Args:
        dsn: `http://user:password@host:port/database`; nothing is connected before the first use.
        threads: statements at once.

    Raises:
        ConfigurationError: the address is malformed.
    """

    def __init__(self, dsn: str, *, threads: int = 6) -> None:
        self._address = parse_dsn(dsn)
        self._client: Client | None = None
        self._pool = ThreadPoolExecutor(threads, thread_name_prefix="clickhouse")

    async def insert(self, table: str, rows: Sequence[bytes]) -> None:
        """See `Store.insert`."""
        body = b"\n".join(rows)

        def put(client: Client) -> None:
            client.raw_insert(table, insert_block=body, fmt="JSONEachRow", settings=INSERT_SETTINGS)

        try:
            await self._run(put)
        except PermanentError as error:
            raise RowsRefusedError(str(error)) from error

    async def open_states(self, table: str, partitions: Collection[int]) -> list[StoredState]:
        """See `Store.open_states`."""
        columns = ", ".join(_KEY_COLUMNS[table])
        query = (
            f"SELECT source_partition, state, {columns} FROM {table} FINAL"  # noqa: S608 - table names are ours
            f" WHERE source_partition IN {{partitions:Array(UInt16)}}{_OPEN[table]}"
        )
        return _states(await self._rows(query, {"partitions": sorted(partitions)}))

    async def states(self, table: str, partition: int, keys: Collection[tuple[str, ...]]) -> list[StoredState]:
        """See `Store.states`."""
        columns = _KEY_COLUMNS[table]
        types = ", ".join("String" for _ in columns)
        query = (
            f"SELECT source_partition, state, {', '.join(columns)} FROM {table} FINAL"  # noqa: S608 - as above
            f" WHERE source_partition = {{partition:UInt16}}"
            f" AND tuple({', '.join(columns)}) IN {{keys:Array(Tuple({types}))}}"
        )
        found: list[StoredState] = []
        for some in _cut(sorted(keys)):
            found += _states(await self._rows(query, {"partition": partition, "keys": some}))
        return found

    async def digests(self, keys: Collection[EventKey]) -> dict[EventKey, list[str]]:
        """See `Store.digests`."""
        query = (
            "SELECT tenant_id, session_id, writer_id, seq, groupUniqArray(digest) FROM events"
            " WHERE tuple(tenant_id, session_id, writer_id, seq) IN"
            " {keys:Array(Tuple(String, String, String, UInt64))} GROUP BY ALL"
        )
        found: dict[EventKey, list[str]] = {}
        wanted = sorted((key.tenant_id, key.session_id, key.writer_id, key.seq) for key in keys)
        for some in _cut(wanted):
            rows = await self._rows(query, {"keys": some})
            found |= {EventKey(*row[:4]): sorted(row[4]) for row in rows}
        return found

    async def contents(self, addresses: Collection[str]) -> dict[str, str]:
        """See `Store.contents`."""
        query = (
            "SELECT address, parts, part, any(text) FROM contents"
            " WHERE address IN {addresses:Array(String)} GROUP BY address, parts, part ORDER BY address, part"
        )
        parts: dict[str, tuple[int, list[str]]] = {}
        for some in _cut(sorted(addresses)):
            for address, count, _, text in await self._rows(query, {"addresses": some}):
                parts.setdefault(address, (count, []))[1].append(text)
        return {address: "".join(texts) for address, (count, texts) in parts.items() if len(texts) == count}

    def close(self) -> None:
        """Lets go of threads and connections."""
        self._pool.shutdown(wait=False, cancel_futures=True)
        if self._client is not None:
            self._client.close()

    async def _rows(self, query: str, parameters: dict[str, Any]) -> list[tuple[Any, ...]]:
        def ask(client: Client) -> list[tuple[Any, ...]]:
            return [tuple(row) for row in client.query(query, parameters=parameters).result_rows]

        return await self._run(ask)

    async def _run(self, action: Callable[[Client], T]) -> T:
        return await asyncio.get_running_loop().run_in_executor(self._pool, self._call, action)

    def _call(self, action: Callable[[Client], T]) -> T:
        try:
            if self._client is None:
                self._client = connect_to(self._address)
            return action(self._client)
        except ConfigurationError as error:
            raise StoreUnavailableError(str(error)) from error
        except (ClickHouseError, urllib3.exceptions.HTTPError, OSError) as error:
            sorted_error = store_error(error, self._address)
            if isinstance(sorted_error, ConfigurationError):
                raise StoreUnavailableError(str(sorted_error)) from error
            raise sorted_error from error


def _states(rows: list[tuple[Any, ...]]) -> list[StoredState]:
    return [StoredState(partition, tuple(key), state) for partition, state, *key in rows]


def _cut(items: list[T]) -> list[list[T]]:
    return [items[start : start + _KEYS_A_QUERY] for start in range(0, len(items), _KEYS_A_QUERY)]
