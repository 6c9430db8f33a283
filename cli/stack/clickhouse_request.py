"""From an HTTP request to a statement for the engine."""

from __future__ import annotations

import base64
import binascii
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from watchkeeper.cli.stack.chdb_engine import STREAMABLE, Session
from watchkeeper.cli.stack.clickhouse_errors import (
    BAD_REQUEST_PARAMETER,
    EMPTY_QUERY,
    NOT_IMPLEMENTED,
    ClickHouseError,
)
from watchkeeper.cli.stack.clickhouse_native import FIRST_REVISION
from watchkeeper.cli.stack.clickhouse_sql import InsertHead, Reading, insert_head, reading, verb

if TYPE_CHECKING:
    from collections.abc import Mapping

DEFAULT_FORMAT = "TabSeparated"

# What ClickHouse's handler takes for itself, and settings that only steer HTTP: the engine need not hear of them.
_OWN = frozenset(
    """
    user password database query query_id default_format session_id session_timeout session_check close_session
    compress decompress quota_key role wait_end_of_query buffer_size client_protocol_version stacktrace
    enable_http_compression http_zlib_compression_level send_progress_in_http_headers
    http_headers_progress_interval_ms add_http_cors_header cancel_http_readonly_queries_on_client_close
    http_write_exception_in_output_format http_wait_end_of_query http_response_buffer_size
    """.split()  # noqa: SIM905 - a list of names, one to a line, would be a page.
)
_SETTING_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_ON = frozenset({"1", "true"})


@dataclass(frozen=True, slots=True)
class Statement:
    """One statement, ready for the engine.

    Attributes:
        sql: the statement; of an INSERT with data, its head without the FORMAT clause.
        format: the output format, or the format of the data.
        data: the data of an INSERT, or None where the statement carries none.
        selects: whether it only reads.
        streams: whether its result can be sent while it is made.
        session: database, settings and parameters.
        whole: whether the client wants the answer to begin only when the statement has ended.
        block_info: whether Native blocks go to a client of the newer protocol.
    """

    sql: str
    format: str
    data: memoryview | None
    selects: bool
    streams: bool
    session: Session
    whole: bool
    block_info: bool


def claimed_identity(headers: Mapping[str, str], query: Mapping[str, str]) -> tuple[str, str] | None:
    """User and password as the request gives them: in ClickHouse's headers, by Basic auth, or in the address.

    None where it gives neither.

    Raises:
        ClickHouseError: the Authorization header cannot be read.
    """
    if "x-clickhouse-user" in headers or "x-clickhouse-key" in headers:
        return headers.get("x-clickhouse-user", "default"), headers.get("x-clickhouse-key", "")
    authorization = headers.get("authorization", "")
    if authorization[:6].lower() == "basic ":
        try:
            user, _, password = base64.b64decode(authorization[6:], validate=True).decode().partition(":")
        except (binascii.Error, UnicodeDecodeError) as error:
            raise ClickHouseError.refused(BAD_REQUEST_PARAMETER, "the Basic Authorization is not base64") from error
        return user, password
    if "user" in query or "password" in query:
        return query.get("user", "default"), query.get("password", "")
    return None


def read_statement(
    query: Mapping[str, str], headers: Mapping[str, str], body: bytes | bytearray, *, readonly: bool, tag: str = ""
) -> Statement:
    """Take a request apart.

    Args:
        query: the parameters of the address.
        headers: with names in lower case.
        body: decompressed.
        readonly: whether the method forbids writing, as GET does.
        tag: a name for the statement while it runs.

    Raises:
        ClickHouseError: what is asked is empty, malformed or not done by this endpoint.
    """
    _refuse_block_compression(query)
    session = _session(query, headers, readonly=readonly, tag=tag)
    wanted = query.get("default_format") or headers.get("x-clickhouse-format") or ""
    sql = query.get("query", "").encode()
    text, rest = (sql, body) if sql.strip() else (body, b"")
    inserts = verb(text) == "INSERT"
    head = insert_head(text) if inserts else None
    if head is not None:
        return _insert(text, head, rest, head.format or wanted or "Values", session)
    if rest:
        text = bytes(text) + b"\n" + rest
    if not text.strip():
        raise ClickHouseError.refused(EMPTY_QUERY, "Empty query: put it into the body or into ?query=")
    read = Reading(format="", selects=False, streams=False) if inserts else reading(text)
    output_format = read.format or wanted or DEFAULT_FORMAT
    return Statement(
        sql=_text(text),
        format=output_format,
        data=None,
        selects=read.selects,
        streams=read.streams and output_format in STREAMABLE and session.settings.get("extremes", "0") == "0",
        session=session,
        whole=query.get("wait_end_of_query", "") in _ON,
        block_info=_protocol_version(query) >= FIRST_REVISION and output_format == "Native",
    )


def _insert(
    text: bytes | bytearray, head: InsertHead, rest: bytes | bytearray, input_format: str, session: Session
) -> Statement:
    return Statement(
        sql=_text(text[: head.end]),
        format=input_format,
        data=_joined(memoryview(text)[head.data :], rest),
        selects=False,
        streams=False,
        session=session,
        whole=True,
        block_info=False,
    )


def _joined(inline: memoryview, rest: bytes | bytearray) -> memoryview:
    if not len(inline):
        return memoryview(rest)
    return memoryview(bytes(inline) + b"\n" + rest) if rest else inline


def _text(sql: bytes | bytearray) -> str:
    try:
        return sql.decode()
    except UnicodeDecodeError as error:
        raise ClickHouseError.refused(BAD_REQUEST_PARAMETER, f"the statement is not UTF-8: {error}") from error


def _protocol_version(query: Mapping[str, str]) -> int:
    given = query.get("client_protocol_version", "0")
    if not given.isdecimal():
        raise ClickHouseError.refused(BAD_REQUEST_PARAMETER, f"client_protocol_version '{given}' is not a number")
    return int(given)


def _refuse_block_compression(query: Mapping[str, str]) -> None:
    for name in ("compress", "decompress"):
        if query.get(name, "") in _ON:
            raise ClickHouseError.refused(
                NOT_IMPLEMENTED,
                f"{name}=1, ClickHouse's own block compression, is not done here; use Content-Encoding, or"
                " Accept-Encoding with enable_http_compression=1 (gzip, deflate, lz4 or zstd)",
            )


def _session(query: Mapping[str, str], headers: Mapping[str, str], *, readonly: bool, tag: str) -> Session:
    settings: dict[str, str] = {}
    params: dict[str, str] = {}
    for name, value in query.items():
        own = name.removeprefix("param_")
        if not _SETTING_NAME.fullmatch(own):
            raise ClickHouseError.refused(BAD_REQUEST_PARAMETER, f"'{name}' is not the name of a setting")
        if own != name:
            params[own] = value
        elif name not in _OWN:
            settings[name] = value
    if readonly and settings.get("readonly", "0") not in {"1", "2"}:
        settings["readonly"] = "2"
    return Session(query.get("database") or headers.get("x-clickhouse-database") or "", settings, params, tag)
