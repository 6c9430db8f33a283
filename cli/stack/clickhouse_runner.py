"""Runs statements in the engine's threads: inserts and queries apart, results whole or in pieces."""

from __future__ import annotations

import asyncio
import logging
from dataclasses import dataclass
from typing import TYPE_CHECKING

from watchkeeper.cli.stack.clickhouse_errors import TOO_MANY_SIMULTANEOUS_QUERIES, ClickHouseError
from watchkeeper.cli.stack.clickhouse_native import with_block_info
from watchkeeper.cli.stack.lanes import Lane

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator

    from watchkeeper.cli.stack.chdb_engine import Engine, Outcome, Selection
    from watchkeeper.cli.stack.clickhouse_request import Statement

FIRST_BYTES = 1024 * 1024
"""A result up to this size is complete before its answer begins, so that a failure has its HTTP status."""

WHOLE_BYTES = 64 * 1024 * 1024
"""The same for a client that asks to wait for the end of the query; what is larger is streamed all the same."""

MAX_STREAMS = 64
"""Results that may be on their way at once."""

_LOG = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Begun:
    """A statement whose answer can begin.

    Attributes:
        outcome: its figures so far, and the result or its first piece.
        selection: where the rest comes from; None where there is no rest.
    """

    outcome: Outcome
    selection: Selection | None = None


class Runner:
    """The threads that use the engine.

    Inserts and everything else have threads of their own, so that neither waits for the other: `SELECT 1` is answered
    while long queries run, as long as fewer than `query_threads` of them do.

    Args:
        engine: where statements run; closed with the runner.
        insert_threads: inserts that run at once.
        query_threads: other statements that run at once.
    """

    def __init__(self, engine: Engine, *, insert_threads: int = 2, query_threads: int = 8) -> None:
        self._engine = engine
        self._inserts = Lane("insert", threads=insert_threads, waiting=64)
        self._queries = Lane("query", threads=query_threads, waiting=256)
        self._open: set[Selection] = set()

    async def run(self, statement: Statement) -> Begun:
        """Run a statement until its answer can begin.

        Raises:
            ClickHouseError: the engine refused it, or too much is waiting.
        """
        sql, session = statement.sql, statement.session
        if statement.data is not None:
            return Begun(await self._inserts.run(self._engine.insert, sql, statement.format, statement.data, session))
        begun = await self._queries.run(self._begin, statement)
        if begun.selection is not None:
            self._open.add(begun.selection)
        return begun

    async def rest(self, statement: Statement, selection: Selection) -> AsyncGenerator[bytes, None]:
        """The rest of a result, piece by piece; the statement ends with the iteration, however that ends.

        Raises:
            ClickHouseError: the statement failed on its way.
        """
        try:
            while (piece := await self._queries.run(_piece, statement, selection)) is not None:
                yield piece
        finally:
            self._open.discard(selection)
            # Not waited for: this may be the cleanup of a cancelled request.
            self._queries.submit(self._end, statement, selection, even_if_full=True)

    async def cancel(self, statement: Statement) -> None:
        """Ask a statement that only reads to end, because nobody waits for it any more."""
        if statement.selects:
            await asyncio.to_thread(self._engine.cancel, statement.session.tag)

    def close(self) -> None:
        """End what still runs, then close the engine."""
        self._engine.cancel_all()
        for selection in tuple(self._open):
            selection.close()
        self._inserts.close()
        self._queries.close()
        self._engine.close()

    def _begin(self, statement: Statement) -> Begun:
        if not statement.streams:
            outcome = self._engine.query(statement.sql, statement.format, statement.session)
            outcome.body = _framed(statement, outcome.body)
            return Begun(outcome)
        if len(self._open) >= MAX_STREAMS:
            raise ClickHouseError.refused(
                TOO_MANY_SIMULTANEOUS_QUERIES, f"{MAX_STREAMS} results are being read already; read fewer at once"
            )
        selection = self._engine.select(statement.sql, statement.format, statement.session)
        try:
            return self._collect(statement, selection)
        except BaseException:
            selection.close()
            raise

    def _collect(self, statement: Statement, selection: Selection) -> Begun:
        pieces: list[bytes] = []
        size, limit = 0, WHOLE_BYTES if statement.whole else FIRST_BYTES
        outcome = selection.outcome
        while size < limit:
            piece = _piece(statement, selection)
            if piece is None:
                selection.close()
                outcome.body = b"".join(pieces)
                return Begun(outcome)
            pieces.append(piece)
            size += len(piece)
        outcome.body = b"".join(pieces)
        return Begun(outcome, selection)

    def _end(self, statement: Statement, selection: Selection) -> None:
        try:
            if not selection.is_finished:
                self._engine.cancel(statement.session.tag)
            selection.close()
        except (ClickHouseError, RuntimeError) as error:
            _LOG.warning("a result that nobody reads could not be ended: %s", error)


def _piece(statement: Statement, selection: Selection) -> bytes | None:
    piece = selection.piece()
    return None if piece is None else _framed(statement, piece)


def _framed(statement: Statement, body: bytes) -> bytes:
    return with_block_info(body) if statement.block_info else body
