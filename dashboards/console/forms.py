"""Reads what a form sent: bounded, each field once, sealed by a page of this console."""

from __future__ import annotations

from typing import Final
from urllib.parse import parse_qsl

from starlette.requests import Request

from watchkeeper.dashboards.console.errors import AskedWrongError, ForgedError
from watchkeeper.dashboards.console.keys import Keys

MAX_BYTES: Final = 64 * 1024
MAX_FIELDS: Final = 100
_FORM: Final = "application/x-www-form-urlencoded"
SEAL: Final = "seal"


async def read_form(request: Request, keys: Keys) -> dict[str, str]:
    """The fields of a form, without blanks around them.

    Raises:
        AskedWrongError: it is no form, or too long, or names a field twice.
        ForgedError: it does not bear the seal that stands in this console's forms.
    """
    if request.headers.get("content-type", "").partition(";")[0].strip().lower() != _FORM:
        raise AskedWrongError(f"a form is sent as {_FORM}")
    body = bytearray()
    async for part in request.stream():
        body += part
        if len(body) > MAX_BYTES:
            raise AskedWrongError(f"the form has more than {MAX_BYTES:,} bytes: shorten the reason")
    try:
        pairs = parse_qsl(body.decode(), keep_blank_values=True, max_num_fields=MAX_FIELDS, errors="strict")
    except ValueError as error:
        raise AskedWrongError(f"the form cannot be read: {error}") from error
    fields = {name: value.strip() for name, value in pairs}
    if len(fields) != len(pairs):
        raise AskedWrongError("the form names a field twice")
    if not keys.sealed(fields.pop(SEAL, "")):
        raise ForgedError("the form was not sent from a page of this console: open the page anew, and send it again")
    return fields
