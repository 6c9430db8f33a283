"""The engine's store on ClickHouse: rows in, states and digests out, errors sorted into now and never."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Collection, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any, TypeVar

import urllib3
from clickhouse_connect.driver import Client
from clickhouse_connect.driver.exceptions import ClickHouseError

from watchkeeper.schemas.errors import ConfigurationError, PermanentError, StoreUnavailableError
from watchkeeper.schemas.rows import INSERT_SETTINGS
from watchkeeper.stream_processors.clickhouse import connect_to, parse_dsn, store_error
from watchkeeper.stream_processors.engine.ports import (
    ContentKey,
    EventKey,
    RowsRefusedError,
    ScoreKey,
    StateKey,
    StoredDigest,
    StoredPart,
    StoredState,
)

T = TypeVar("T")

_KEYS_A_QUERY = 200
"""Query parameters travel in the request line, which servers bound at some 64 KiB."""

_ANSWER_SECONDS = 60
"""Without a byte for so long, a statement is tried again; the largest insert takes well under a second."""

_KEY_COLUMNS = {"sessions": ("tenant_id", "session_id"), "subjects": ("subject",)}
_OPEN = {"sessions": " AND status = 'open'", "subjects": ""}
_HEARD_OF = {"sessions": "last_event_at", "subjects": "stored_at"}


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
        self._connecting = threading.Lock()
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

    async def open_states(self, table: str, partitions: Collection[int], most: int) -> list[StoredState]:
        """See `Store.open_states`."""
        columns = ", ".join(_KEY_COLUMNS[table])
        query = (
            f"SELECT source_partition, state, {columns} FROM {table} FINAL"  # noqa: S608 - table names are ours
            f" WHERE source_partition IN {{partitions:Array(UInt16)}}{_OPEN[table]}"
            f" ORDER BY {_HEARD_OF[table]} DESC LIMIT {{most:UInt64}}"
        )
        return _states(await self._rows(query, {"partitions": sorted(partitions), "most": most}))

    async def states(self, table: str, keys: Collection[StateKey]) -> list[StoredState]:
        """See `Store.states`."""
        columns = _KEY_COLUMNS[table]
        types = ", ".join("String" for _ in columns)
        query = (
            f"SELECT source_partition, state, {', '.join(columns)} FROM {table} FINAL"  # noqa: S608 - as above
            f" WHERE tuple(source_partition, {', '.join(columns)}) IN {{keys:Array(Tuple(UInt16, {types}))}}"
        )
        return _states(await self._found(query, keys))

    async def digests(self, keys: Collection[EventKey]) -> dict[EventKey, list[StoredDigest]]:
        """See `Store.digests`."""
        query = (
            "SELECT tenant_id, session_id, writer_id, seq, digest, source_partition, min((source_offset, source_line))"
            " FROM events WHERE tuple(tenant_id, session_id, writer_id, seq) IN"
            " {keys:Array(Tuple(String, String, String, UInt64))}"
            " GROUP BY tenant_id, session_id, writer_id, seq, digest, source_partition"
        )
        found: dict[EventKey, list[StoredDigest]] = {}
        for *key, digest, partition, place in await self._found(query, keys):
            found.setdefault(EventKey(*key), []).append(StoredDigest(digest, partition, *place))
        return found

    async def contents(self, keys: Collection[ContentKey], most_parts: int) -> list[StoredPart]:
        """See `Store.contents`."""
        query = (
            "SELECT address, part, any(parts), any(text) FROM contents"
            " WHERE tuple(tenant_id, address) IN {keys:Array(Tuple(String, String))} AND parts <= {most:UInt32}"
            " GROUP BY tenant_id, address, part"
        )
        return [StoredPart(*row) for row in await self._found(query, keys, most=most_parts)]

    async def known_scores(self, keys: Collection[ScoreKey]) -> set[ScoreKey]:
        """See `Store.known_scores`."""
        query = (
            "SELECT DISTINCT tenant_id, source, agent_id, score_id, result_type = 'failure' FROM scores"
            " WHERE tuple(tenant_id, source, agent_id, score_id) IN"
            " {keys:Array(Tuple(String, String, String, String))}"
        )
        rows = await self._found(query, {key[:4] for key in keys})
        return {
            ScoreKey(tenant, source, agent, score, bool(failed)) for tenant, source, agent, score, failed in rows
        } & set(keys)

    def close(self) -> None:
        """Lets go of threads and connections."""
        self._pool.shutdown(wait=False, cancel_futures=True)
        if self._client is not None:
            self._client.close()

    async def _found(self, query: str, keys: Collection[tuple[Any, ...]], **further: Any) -> list[tuple[Any, ...]]:
        """The rows of a query for many keys, asked for some keys at a time."""
        wanted = sorted(tuple(key) for key in keys)
        starts = range(0, len(wanted), _KEYS_A_QUERY)
        asked = (self._rows(query, {"keys": wanted[start : start + _KEYS_A_QUERY], **further}) for start in starts)
        return [row for rows in await asyncio.gather(*asked) for row in rows]

    async def _rows(self, query: str, parameters: dict[str, Any]) -> list[tuple[Any, ...]]:
        def ask(client: Client) -> list[tuple[Any, ...]]:
            return [tuple(row) for row in client.query(query, parameters=parameters).result_rows]

        return await self._run(ask)

    async def _run(self, action: Callable[[Client], T]) -> T:
        return await asyncio.get_running_loop().run_in_executor(self._pool, self._call, action)

    def _connected(self) -> Client:
        with self._connecting:
            if self._client is None:
                self._client = connect_to(self._address, send_receive_timeout=_ANSWER_SECONDS)
            return self._client

    def _call(self, action: Callable[[Client], T]) -> T:
        try:
            return action(self._connected())
        except ConfigurationError as error:
            raise StoreUnavailableError(str(error)) from error
        except (ClickHouseError, urllib3.exceptions.HTTPError, OSError) as error:
            sorted_error = store_error(error, self._address, quoting=False)
            if isinstance(sorted_error, ConfigurationError):
                raise StoreUnavailableError(str(sorted_error)) from error
            raise sorted_error from error


def _states(rows: list[tuple[Any, ...]]) -> list[StoredState]:
    return [StoredState(partition, tuple(key), state) for partition, state, *key in rows]
