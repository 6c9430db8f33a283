"""ClickHouse's engine in this process.

Every statement gets a connection of its own: opening one costs 0.2 ms, and its settings, current database and
parameters end with it, as they do on a server without sessions. Connections may be used by many threads at once, one
thread each at a time.
"""

from __future__ import annotations

import threading
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from chdb.state.sqlitelike import Connection, connect

from watchkeeper.cli.stack.clickhouse_errors import ClickHouseError

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

APPEND_BYTES = 64 * 1024
"""Data are handed over in pieces of this size: the engine parses them while more come (twice as fast as in one)."""

STREAMABLE = frozenset(
    """
    CSV JSONCompactEachRow JSONCompactStringsEachRow JSONEachRow JSONL JSONLines JSONStringsEachRow LineAsString NDJSON
    Native RawBLOB RowBinary TSKV TSV TSVRaw TabSeparated TabSeparatedRaw
    """.split()  # noqa: SIM905 - a list of names, one to a line, would be a page.
)
"""Output formats without a beginning or an end of their own: the pieces of a result can be sent one after another."""


@dataclass(frozen=True, slots=True)
class Session:
    """What one statement brings besides its text.

    Attributes:
        database: the current database, or an empty string for the default one.
        settings: engine settings for this statement only.
        params: query parameters, in the escaped text form of ClickHouse's HTTP interface.
        tag: a name by which `Engine.cancel` finds the statement, or an empty string.
    """

    database: str = ""
    settings: Mapping[str, str] = field(default_factory=dict)
    params: Mapping[str, str] = field(default_factory=dict)
    tag: str = ""


@dataclass(slots=True)
class Outcome:
    """What a statement did.

    Attributes:
        body: the result in the output format.
        read_rows: rows read from storage.
        read_bytes: bytes read from storage.
        written_rows: rows written, those of views included.
        written_bytes: bytes written.
        result_rows: rows of the result.
        elapsed_ns: nanoseconds spent in the engine.
    """

    body: bytes = b""
    read_rows: int = 0
    read_bytes: int = 0
    written_rows: int = 0
    written_bytes: int = 0
    result_rows: int = 0
    elapsed_ns: int = 0

    def count(self, result: Any) -> None:
        """Add the figures of one of chDB's results."""
        self.read_rows += result.storage_rows_read()
        self.read_bytes += result.storage_bytes_read()
        self.written_rows += result.rows_written()
        self.written_bytes += result.bytes_written()
        self.result_rows += result.rows_read()
        self.elapsed_ns += int(result.elapsed() * 1e9)


class Selection:
    """A result that comes in pieces; its statement runs while they are fetched.

    Attributes:
        outcome: the figures so far, without a body.
    """

    def __init__(self, connection: Connection, stream: Any) -> None:
        self._connection = connection
        self._stream = stream
        self._guard = threading.Lock()
        self._open = True
        self._finished = False
        self.outcome = Outcome()

    def piece(self) -> bytes | None:
        """The next piece; None at the end.

        Raises:
            ClickHouseError: the statement failed on its way.
        """
        with self._guard:
            if self._finished:
                return None
            try:
                result = self._stream.fetch()
            except RuntimeError as error:
                self._finished = True
                raise ClickHouseError.from_engine(error) from error
            if result is None:
                self._finished = True
                return None
            self.outcome.count(result)
            body: bytes = result.bytes()
            return body

    def close(self) -> None:
        """End the statement, finished or not; waits for a piece that is being fetched."""
        with self._guard:
            if self._open:
                self._open, self._finished = False, True
                try:
                    self._stream.close()
                finally:
                    self._connection.close()

    @property
    def is_finished(self) -> bool:
        """Whether the last piece has been fetched, or the statement has failed or been closed."""
        return self._finished


class Engine:
    """chDB on one directory, for all threads of this process.

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
            outcome = Outcome(body=result.bytes())
            outcome.count(result)
        except RuntimeError as error:
            raise ClickHouseError.from_engine(error) from error
        finally:
            connection.close()
        return outcome

    def select(self, sql: str, output_format: str, session: Session) -> Selection:
        """Begin a SELECT whose result comes in pieces. The format must be one of `STREAMABLE`.

        Raises:
            ClickHouseError: the engine refused the statement.
        """
        connection = self._open(session)
        try:
            return Selection(connection, connection.send_query(sql, output_format, params=dict(session.params)))
        except RuntimeError as error:
            connection.close()
            raise ClickHouseError.from_engine(error) from error

    def insert(self, head: str, input_format: str, data: memoryview, session: Session) -> Outcome:
        """Write `data`, bytes of `input_format`, by the INSERT statement `head`.

        The rows outlive this process when this returns.

        Raises:
            ClickHouseError: the engine refused the statement or the data. Rows before a bad one may have been
                written, where they filled a block of their own (a million rows), as on a server.
        """
        started = time.perf_counter_ns()
        # Streaming inserts take no parameters beside the statement: they become the connection's.
        connection = self._open(session, {f"param_{name}": value for name, value in session.params.items()})
        try:
            inserter: Any = connection.send_insert(head, input_format)
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

    def cancel(self, tag: str) -> None:
        """Ask the statement with this tag to end; it ends with code 394. Nothing happens where none runs."""
        self._kill(f"Settings['log_comment'] = {quote(tag)}")

    def cancel_all(self) -> None:
        """Ask everything that runs to end."""
        self._kill("1")

    def _kill(self, condition: str) -> None:
        self.query(f"KILL QUERY WHERE {condition} ASYNC", "Null", Session())

    def _connect(self) -> Connection:
        try:
            return connect(self._path)
        except RuntimeError as error:
            raise ClickHouseError.from_engine(error) from error

    def _open(self, session: Session, more: Mapping[str, str] | None = None) -> Connection:
        assignments = {**session.settings, **(more or {})}
        if session.tag:
            assignments.setdefault("log_comment", session.tag)
        connection = self._connect()
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
