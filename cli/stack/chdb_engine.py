"""ClickHouse's engine in this process, and the threads that may use it.

Every request gets a connection of its own: opening one costs 0.2 ms, and settings, the current database and
parameters end with it, as they do on a server without sessions. Inserts and queries run in pools of their own, so that
neither waits for the other.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

from chdb.state.sqlitelike import Connection, connect

from watchkeeper.cli.stack.clickhouse_errors import TOO_MANY_SIMULTANEOUS_QUERIES, ClickHouseError

APPEND_BYTES = 64 * 1024
"""Data are handed over in pieces of this size: the engine parses them while more come (twice as fast as in one)."""

_Answer = TypeVar("_Answer")


@dataclass(frozen=True, slots=True)
class Session:
    """What one request brings besides its statement.

    Attributes:
        database: the current database, or an empty string for the default one.
        settings: engine settings for this request only.
        params: query parameters, in the escaped text form of ClickHouse's HTTP interface.
    """

    database: str = ""
    settings: Mapping[str, str] = field(default_factory=dict)
    params: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a statement did.

    Attributes:
        body: the result in the output format.
        read_rows, read_bytes: what was read from storage.
        written_rows, written_bytes: what was written, views included.
        result_rows: rows in the result.
        elapsed_ns: nanoseconds spent in the engine.
    """

    body: bytes = b""
    read_rows: int = 0
    read_bytes: int = 0
    written_rows: int = 0
    written_bytes: int = 0
    result_rows: int = 0
    elapsed_ns: int = 0


class Engine:
    """chDB on one directory. Threads may call it at the same time.

    Args:
        path: the directory of the data; made when it is not there.

    Raises:
        ClickHouseError: the engine cannot open the directory.
    """

    def __init__(self, path: Path) -> None:
        path.mkdir(parents=True, exist_ok=True)
        self._path = str(path)
        self._root = self._connect()

    def close(self) -> None:
        """Close the engine; nothing may be running in it."""
        self._root.close()

    def query(self, sql: str, output_format: str, session: Session) -> Outcome:
        """Run one statement and keep its whole result in memory.

        Raises:
            ClickHouseError: the engine refused the statement.
        """
        connection = self._open(session)
        try:
            result = connection.query(sql, output_format, params=dict(session.params))
            return Outcome(
                body=result.bytes(),
                read_rows=result.storage_rows_read(),
                read_bytes=result.storage_bytes_read(),
                written_rows=result.rows_written(),
                written_bytes=result.bytes_written(),
                result_rows=result.rows_read(),
                elapsed_ns=int(result.elapsed() * 1e9),
            )
        except RuntimeError as error:
            raise ClickHouseError.from_engine(error) from error
        finally:
            connection.close()

    def insert(self, head: str, input_format: str, data: memoryview, session: Session) -> Outcome:
        """Write `data`, bytes of `input_format`, by the INSERT statement `head`.

        The rows are durable when this returns.

        Raises:
            ClickHouseError: the engine refused the statement or the data.
        """
        connection = self._open(session, in_session=session.params)
        started = time.perf_counter_ns()
        try:
            inserter = connection.send_insert(head, input_format)
            with inserter:
                for start in range(0, len(data), APPEND_BYTES):
                    inserter.append(bytes(data[start : start + APPEND_BYTES]))
                result = inserter.finish()
        except RuntimeError as error:
            raise ClickHouseError.from_engine(error) from error
        finally:
            connection.close()
        return Outcome(
            read_rows=result.rows_written,
            read_bytes=len(data),
            written_rows=result.rows_written,
            written_bytes=result.bytes_written,
            elapsed_ns=time.perf_counter_ns() - started,
        )

    def _connect(self) -> Connection:
        try:
            return connect(self._path)
        except RuntimeError as error:
            raise ClickHouseError.from_engine(error) from error

    def _open(self, session: Session, in_session: Mapping[str, str] | None = None) -> Connection:
        connection = self._connect()
        assignments = dict(session.settings)
        assignments.update({f"param_{name}": value for name, value in (in_session or {}).items()})
        try:
            if session.database:
                connection.query(f"USE {quote_name(session.database)}", "Null")
            if assignments:
                connection.query("SET " + ", ".join(f"{k} = {quote(v)}" for k, v in assignments.items()), "Null")
        except RuntimeError as error:
            connection.close()
            raise ClickHouseError.from_engine(error) from error
        return connection


def quote(text: str) -> str:
    """A ClickHouse string literal."""
    return "'" + text.replace("\\", "\\\\").replace("'", "\\'") + "'"


def quote_name(name: str) -> str:
    """A quoted ClickHouse name."""
    return "`" + name.replace("\\", "\\\\").replace("`", "\\`") + "`"


class Lane:
    """A pool of threads with a limit on what may wait before it.

    Args:
        name: for the threads' names.
        threads: how many statements run at once.
        waiting: how many more may wait.
    """

    def __init__(self, name: str, *, threads: int, waiting: int) -> None:
        self._pool = ThreadPoolExecutor(threads, thread_name_prefix=name)
        self._limit = threads + waiting
        self._inside = 0

    async def run(self, call: Callable[..., _Answer], *args: Any) -> _Answer:
        """Run `call` in one of the threads.

        Raises:
            ClickHouseError: too much is waiting already.
        """
        if self._inside >= self._limit:
            raise ClickHouseError.refused(
                TOO_MANY_SIMULTANEOUS_QUERIES, f"{self._inside} statements run or wait here; send fewer at once"
            )
        self._inside += 1
        try:
            return await asyncio.get_running_loop().run_in_executor(self._pool, call, *args)
        finally:
            self._inside -= 1

    def close(self) -> None:
        """Wait for what runs, then end the threads."""
        self._pool.shutdown(wait=True)
