"""ClickHouse's HTTP interface as an ASGI application, over the engine in this process."""

from __future__ import annotations

import asyncio
import json
import logging
import platform
import uuid
from collections.abc import Mapping

from starlette.applications import Starlette
from starlette.requests import ClientDisconnect, Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from watchkeeper.cli.stack.chdb_engine import Engine, Lane, Outcome
from watchkeeper.cli.stack.clickhouse_encoding import SMALLEST_COMPRESSED, choose, compress, decompress
from watchkeeper.cli.stack.clickhouse_errors import (
    AUTHENTICATION_FAILED,
    QUERY_IS_TOO_LARGE,
    ClickHouseError,
)
from watchkeeper.cli.stack.clickhouse_request import Statement, claimed_identity, read_statement
from watchkeeper.cli.stack.credentials import Credentials

MAX_BODY_BYTES = 256 * 1024 * 1024
"""The largest body, before and after decompression."""

_LOG = logging.getLogger(__name__)
_READ_METHODS = frozenset({"GET", "HEAD"})
_TEXT_TYPES = {
    "TabSeparated": "text/tab-separated-values; charset=UTF-8",
    "TSV": "text/tab-separated-values; charset=UTF-8",
    "CSV": "text/csv; charset=UTF-8; header=absent",
    "CSVWithNames": "text/csv; charset=UTF-8; header=present",
    "JSONEachRow": "application/x-ndjson; charset=UTF-8",
    "JSONCompactEachRow": "application/x-ndjson; charset=UTF-8",
    "XML": "application/xml; charset=UTF-8",
    "Pretty": "text/plain; charset=UTF-8",
    "PrettyCompact": "text/plain; charset=UTF-8",
    "Vertical": "text/plain; charset=UTF-8",
    "Values": "text/plain; charset=UTF-8",
}


class Endpoint:
    """The routes, and what they share.

    Args:
        engine: where statements run.
        credentials: who may send them.
        insert_threads: inserts that run at once.
        query_threads: other statements that run at once.
    """

    def __init__(
        self, engine: Engine, credentials: Credentials, *, insert_threads: int = 2, query_threads: int = 8
    ) -> None:
        self._engine = engine
        self._credentials = credentials
        self._inserts = Lane("insert", threads=insert_threads, waiting=64)
        self._queries = Lane("query", threads=query_threads, waiting=256)
        self._timezone = "UTC"

    def application(self) -> Starlette:
        """The ASGI application."""
        return Starlette(
            routes=[
                Route("/ping", self.ping, methods=["GET", "HEAD"]),
                Route("/replicas_status", self.ping, methods=["GET", "HEAD"]),
                Route("/", self.statement, methods=["GET", "HEAD", "POST"]),
            ]
        )

    def close(self) -> None:
        """Let what runs come to its end, then close the engine."""
        self._inserts.close()
        self._queries.close()
        self._engine.close()

    async def ping(self, request: Request) -> Response:
        """Say that the process lives; needs no password, as in ClickHouse."""
        del request
        return PlainTextResponse("Ok.\n", headers=self._headers())

    async def statement(self, request: Request) -> Response:
        """Run one statement."""
        query_id = request.query_params.get("query_id") or str(uuid.uuid4())
        try:
            self._authenticate(request)
            body = await _read_body(request)
            statement = await asyncio.to_thread(_prepare, request, body)
            outcome = await self._run(statement)
            return await self._answer(request, statement, outcome, query_id)
        except ClickHouseError as error:
            return self._refusal(error, query_id)

    def _authenticate(self, request: Request) -> None:
        user, password = claimed_identity(request.headers, request.query_params)
        if not self._credentials.admits(user, password):
            message = f"{user}: Authentication failed: password is incorrect, or there is no user with such name."
            raise ClickHouseError.refused(AUTHENTICATION_FAILED, message)

    async def _run(self, statement: Statement) -> Outcome:
        if statement.data is not None:
            return await self._inserts.run(
                self._engine.insert, statement.sql, statement.format, statement.data, statement.session
            )
        return await self._queries.run(self._engine.query, statement.sql, statement.format, statement.session)

    async def _answer(self, request: Request, statement: Statement, outcome: Outcome, query_id: str) -> Response:
        headers = self._headers(query_id)
        headers["X-ClickHouse-Summary"] = _summary(outcome)
        body = outcome.body
        if statement.data is None:
            headers["X-ClickHouse-Format"] = statement.format
            headers["Content-Type"] = _content_type(statement.format)
        encoding = _response_encoding(request)
        if encoding and len(body) >= SMALLEST_COMPRESSED:
            body = await asyncio.to_thread(compress, body, encoding)
            headers["Content-Encoding"] = encoding
        return Response(body, headers=headers)

    def _refusal(self, error: ClickHouseError, query_id: str) -> Response:
        headers = self._headers(query_id)
        headers["X-ClickHouse-Exception-Code"] = str(error.code)
        return PlainTextResponse(error.text + "\n", status_code=error.status, headers=headers)

    def _headers(self, query_id: str = "") -> dict[str, str]:
        headers = {"X-ClickHouse-Server-Display-Name": platform.node() or "watchkeeper"}
        if query_id:
            headers["X-ClickHouse-Query-Id"] = query_id
            headers["X-ClickHouse-Timezone"] = self._timezone
        return headers


def _prepare(request: Request, body: bytearray) -> Statement:
    plain = decompress(body, request.headers.get("content-encoding", ""), MAX_BODY_BYTES)
    readonly = request.method in _READ_METHODS
    return read_statement(request.query_params, request.headers, plain, readonly=readonly)


async def _read_body(request: Request) -> bytearray:
    body = bytearray()
    try:
        async for piece in request.stream():
            body += piece
            if len(body) > MAX_BODY_BYTES:
                raise ClickHouseError.refused(QUERY_IS_TOO_LARGE, f"the body is over {MAX_BODY_BYTES} bytes")
    except ClientDisconnect:
        _LOG.info("a client went away while it sent a statement")
        raise
    return body


def _response_encoding(request: Request) -> str:
    if request.query_params.get("enable_http_compression", "") not in ("1", "true"):
        return ""
    return choose(request.headers.get("accept-encoding", ""))


def _content_type(output_format: str) -> str:
    if output_format in _TEXT_TYPES:
        return _TEXT_TYPES[output_format]
    if output_format.startswith("JSON"):
        return "application/json; charset=UTF-8"
    return "application/octet-stream"


def _summary(outcome: Outcome) -> str:
    figures: Mapping[str, int] = {
        "read_rows": outcome.read_rows,
        "read_bytes": outcome.read_bytes,
        "written_rows": outcome.written_rows,
        "written_bytes": outcome.written_bytes,
        "total_rows_to_read": outcome.read_rows,
        "result_rows": outcome.result_rows,
        "result_bytes": len(outcome.body),
        "elapsed_ns": outcome.elapsed_ns,
    }
    return json.dumps({name: str(value) for name, value in figures.items()})
