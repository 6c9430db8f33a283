"""Requests whose statement and parameters come as a form, as clients send them when they are too long for a URL."""

from __future__ import annotations

import re

from watchkeeper.cli.stack.clickhouse_errors import BAD_REQUEST_PARAMETER, NOT_IMPLEMENTED, ClickHouseError

_BOUNDARY = re.compile(r'multipart/form-data\s*;.*?boundary="?([^";]+)"?', re.IGNORECASE)
_NAME = re.compile(rb'form-data\s*;\s*name="((?:[^"\\]|\\.)*)"', re.IGNORECASE)
_HEADER_END = b"\r\n\r\n"


def is_form(content_type: str) -> bool:
    """Whether a body of this type is a form. A URL-encoded body is not: curl names any body so."""
    return content_type.lower().startswith("multipart/form-data")


def read_form(content_type: str, body: bytes | bytearray) -> dict[str, str]:
    """The fields of a multipart form.

    Raises:
        ClickHouseError: the form is malformed, or has a file in it: external tables are not supported.
    """
    boundary = _BOUNDARY.match(content_type)
    if boundary is None:
        raise ClickHouseError.refused(BAD_REQUEST_PARAMETER, "the multipart body has no boundary in its Content-Type")
    parts = (b"\r\n" + bytes(body)).split(b"\r\n--" + boundary.group(1).encode())
    if len(parts) < 3 or not parts[-1].startswith(b"--"):
        raise ClickHouseError.refused(BAD_REQUEST_PARAMETER, "the multipart body is cut off or has another boundary")
    return dict(_field(part) for part in parts[1:-1])


def _field(part: bytes) -> tuple[str, str]:
    headers, end, value = part.partition(_HEADER_END)
    name = _NAME.search(headers)
    if not end or name is None:
        raise ClickHouseError.refused(BAD_REQUEST_PARAMETER, "a part of the multipart body has no name")
    if b"filename=" in headers.lower():
        message = f"external tables ({name.group(1).decode(errors='replace')}) are not supported: insert into a table"
        raise ClickHouseError.refused(NOT_IMPLEMENTED, message)
    try:
        return name.group(1).decode(), value.decode()
    except UnicodeDecodeError as error:
        raise ClickHouseError.refused(BAD_REQUEST_PARAMETER, f"a form field is not UTF-8: {error}") from error
