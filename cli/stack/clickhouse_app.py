"""ClickHouse's HTTP interface as an ASGI application, over the engine in this process."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import uuid
from typing import TYPE_CHECKING

from starlette.applications import Starlette
from starlette.requests import ClientDisconnect, Request
from starlette.responses import PlainTextResponse, Response, StreamingResponse
from starlette.routing import Route

from watchkeeper.cli.stack.clickhouse_encoding import SMALLEST_COMPRESSED, Compressor, choose, compress, decompress
from watchkeeper.cli.stack.clickhouse_errors import (
    AUTHENTICATION_FAILED,
    QUERY_IS_TOO_LARGE,
    STD_EXCEPTION,
    ClickHouseError,
)
from watchkeeper.cli.stack.clickhouse_form import is_form, read_form
from watchkeeper.cli.stack.clickhouse_request import Statement, claimed_identity, read_statement
from watchkeeper.cli.stack.clickhouse_response import (
    base_headers,
    content_type,
    exception_block,
    exception_tag,
    summary,
)

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator

    from starlette.types import Receive, Scope, Send

    from watchkeeper.cli.stack.clickhouse_runner import Begun, Runner
    from watchkeeper.cli.stack.credentials import Credentials

MAX_BODY_BYTES = 256 * 1024 * 1024
"""The largest body, before and after decompression."""

_LOG = logging.getLogger(__name__)
_READ_METHODS = frozenset({"GET", "HEAD"})
_ON = frozenset({"1", "true"})


class _BrokenStreamError(Exception):
    """A result failed after its answer had begun: the connection is cut, so that nobody takes it for whole."""


class _NamelessError(ClickHouseError):
    """The request says nothing about who sends it: browsers ask for a password at this answer."""


class Endpoint:
    """The ASGI application.

    Args:
        runner: where statements run.
        credentials: who may send them.
        timezone: the engine's time zone.
    """

    def __init__(self, runner: Runner, credentials: Credentials, timezone: str) -> None:
        self._runner = runner
        self._credentials = credentials
        self._timezone = timezone
        self._routes = Starlette(
            routes=[
                Route("/ping", self.ping, methods=["GET", "HEAD"]),
                Route("/replicas_status", self.ping, methods=["GET", "HEAD"]),
                Route("/", self.statement, methods=["GET", "HEAD", "POST"]),
            ]
        )

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        with contextlib.suppress(_BrokenStreamError, ClientDisconnect):
            await self._routes(scope, receive, send)

    async def ping(self, request: Request) -> Response:
        """Say that the process lives; needs no password, as in ClickHouse."""
        del request
        return PlainTextResponse("Ok.\n", headers=base_headers())

    async def statement(self, request: Request) -> Response:
        """Run one statement."""
        if request.method in _READ_METHODS and "query" not in request.query_params:
            return await self.ping(request)
        query_id = request.query_params.get("query_id") or str(uuid.uuid4())
        try:
            self._authenticate(request)
            body = await _read_body(request)
            statement = await asyncio.to_thread(_prepare, request, body)
            del body
            begun = await self._while_connected(request, statement)
            return await self._answer(request, statement, begun, query_id)
        except ClickHouseError as error:
            return self._refusal(error, query_id)
        except ClientDisconnect:
            raise
        except Exception as error:  # noqa: BLE001 - the client is told, and the log has the traceback.
            _LOG.exception("statement %s failed here, not in the engine", query_id)
            text = f"{type(error).__name__}: {error}"
            return self._refusal(ClickHouseError.refused(STD_EXCEPTION, text), query_id)

    def _authenticate(self, request: Request) -> None:
        claimed = claimed_identity(request.headers, request.query_params)
        user, password = claimed or ("default", "")
        if not self._credentials.admits(user, password):
            message = f"{user}: Authentication failed: password is incorrect, or there is no user with such name."
            kind = _NamelessError if claimed is None else ClickHouseError
            raise kind.refused(AUTHENTICATION_FAILED, message)

    async def _while_connected(self, request: Request, statement: Statement) -> Begun:
        """Run the statement; one that only reads is ended when its client goes away."""
        work = asyncio.ensure_future(self._runner.run(statement))
        gone = asyncio.ensure_future(request.receive())
        try:
            await asyncio.wait((work, gone), return_when=asyncio.FIRST_COMPLETED)
            if not work.done():
                await self._runner.cancel(statement)
            return await work
        finally:
            gone.cancel()

    async def _answer(self, request: Request, statement: Statement, begun: Begun, query_id: str) -> Response:
        headers = base_headers(query_id, self._timezone)
        headers["X-ClickHouse-Summary"] = summary(begun.outcome)
        if statement.data is None:
            headers["X-ClickHouse-Format"] = statement.format
            headers["Content-Type"] = content_type(statement.format)
        encoding = ""
        if request.query_params.get("enable_http_compression", "") in _ON:
            encoding = choose(request.headers.get("accept-encoding", ""))
        body = begun.outcome.body
        if encoding and (begun.selection is not None or len(body) >= SMALLEST_COMPRESSED):
            headers["Content-Encoding"] = encoding
        else:
            encoding = ""
        if begun.selection is not None:
            tag = exception_tag()
            headers["X-ClickHouse-Exception-Tag"] = tag
            return StreamingResponse(self._pieces(statement, begun, encoding, tag), headers=headers)
        return Response(await asyncio.to_thread(compress, body, encoding) if encoding else body, headers=headers)

    async def _pieces(self, statement: Statement, begun: Begun, encoding: str, tag: str) -> AsyncGenerator[bytes, None]:
        compressor = Compressor(encoding)
        assert begun.selection is not None
        try:
            yield await asyncio.to_thread(compressor.piece, begun.outcome.body)
            async with contextlib.aclosing(self._runner.rest(statement, begun.selection)) as rest:
                async for piece in rest:
                    yield await asyncio.to_thread(compressor.piece, piece)
        except ClickHouseError as error:
            yield compressor.piece(exception_block(error, tag)) + compressor.end()
            raise _BrokenStreamError from error
        yield compressor.end()

    def _refusal(self, error: ClickHouseError, query_id: str) -> Response:
        headers = base_headers(query_id, self._timezone)
        headers["X-ClickHouse-Exception-Code"] = str(error.code)
        status = error.status
        if isinstance(error, _NamelessError):
            status = 401
            headers["WWW-Authenticate"] = 'Basic realm="ClickHouse server HTTP API"'
        return PlainTextResponse(error.text + "\n", status_code=status, headers=headers)


def _prepare(request: Request, body: bytearray) -> Statement:
    plain = decompress(body, request.headers.get("content-encoding", ""), MAX_BODY_BYTES)
    query = dict(request.query_params)
    media = request.headers.get("content-type", "")
    if is_form(media):
        query.update(read_form(media, plain))
        plain = b""
    readonly = request.method in _READ_METHODS
    return read_statement(query, request.headers, plain, readonly=readonly, tag=str(uuid.uuid4()))


async def _read_body(request: Request) -> bytearray:
    body = bytearray()
    _check_size(int(request.headers.get("content-length", "0")))
    async for piece in request.stream():
        body += piece
        _check_size(len(body))
    return body


def _check_size(size: int) -> None:
    if size > MAX_BODY_BYTES:
        message = f"the body is over {MAX_BODY_BYTES} bytes: send the rows in several inserts"
        raise ClickHouseError.refused(QUERY_IS_TOO_LARGE, message)
