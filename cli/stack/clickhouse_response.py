"""The outside of an answer: headers, content types, the summary, and how a result that fails on its way ends."""

from __future__ import annotations

import json
import platform
import secrets
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from watchkeeper.cli.stack.chdb_engine import Outcome
    from watchkeeper.cli.stack.clickhouse_errors import ClickHouseError

_TSV = "text/tab-separated-values; charset=UTF-8"
_TEXT = "text/plain; charset=UTF-8"
_LINES = "application/x-ndjson; charset=UTF-8"
_BY_PREFIX = (
    ("TabSeparated", _TSV),
    ("TSV", _TSV),
    ("CSVWithNames", "text/csv; charset=UTF-8; header=present"),
    ("CSV", "text/csv; charset=UTF-8; header=absent"),
    ("XML", "application/xml; charset=UTF-8"),
    ("Pretty", _TEXT),
    ("Vertical", _TEXT),
    ("Values", _TEXT),
    ("TSKV", _TEXT),
    ("LineAsString", _TEXT),
    ("Markdown", "text/markdown; charset=UTF-8"),
    ("NDJSON", _LINES),
)


def content_type(output_format: str) -> str:
    """The media type of an output format."""
    if output_format.startswith("JSON"):
        return _LINES if "EachRow" in output_format else "application/json; charset=UTF-8"
    return next((media for prefix, media in _BY_PREFIX if output_format.startswith(prefix)), "application/octet-stream")


def base_headers(query_id: str = "", timezone: str = "") -> dict[str, str]:
    """Headers that every answer carries; the last two only where it answers a statement."""
    headers = {"X-ClickHouse-Server-Display-Name": platform.node() or "watchkeeper"}
    if query_id:
        headers["X-ClickHouse-Query-Id"] = query_id
    if timezone:
        headers["X-ClickHouse-Timezone"] = timezone
    return headers


def summary(outcome: Outcome) -> str:
    """The value of `X-ClickHouse-Summary`."""
    figures = {
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


def exception_tag() -> str:
    """A fresh value for `X-ClickHouse-Exception-Tag`: data cannot be mistaken for what it frames."""
    return secrets.token_hex(8)


def exception_block(error: ClickHouseError, tag: str) -> bytes:
    """What ends the body of a result that failed after it began, as ClickHouse's clients look for it."""
    message = error.text.encode() + b"\n"
    mark = tag.encode()
    return b"\r\n__exception__\r\n%s\r\n%s%d %s\r\n__exception__\r\n" % (mark, message, len(message), mark)
