"""ClickHouse's errors as its HTTP interface tells them: a code, a name, a text and an HTTP status."""

from __future__ import annotations

import re

from watchkeeper.schemas.errors import StackError

SYNTAX_ERROR = 62
NOT_IMPLEMENTED = 48
UNKNOWN_COMPRESSION_METHOD = 89
TOO_MANY_SIMULTANEOUS_QUERIES = 202
EMPTY_QUERY = 211
QUERY_IS_TOO_LARGE = 229
ABORTED = 236
CANNOT_DECOMPRESS = 271
QUERY_WAS_CANCELLED = 394
BAD_REQUEST_PARAMETER = 408
AUTHENTICATION_FAILED = 516
STD_EXCEPTION = 1001

_NAMES = {
    SYNTAX_ERROR: "SYNTAX_ERROR",
    NOT_IMPLEMENTED: "NOT_IMPLEMENTED",
    UNKNOWN_COMPRESSION_METHOD: "UNKNOWN_COMPRESSION_METHOD",
    TOO_MANY_SIMULTANEOUS_QUERIES: "TOO_MANY_SIMULTANEOUS_QUERIES",
    EMPTY_QUERY: "EMPTY_QUERY",
    QUERY_IS_TOO_LARGE: "QUERY_IS_TOO_LARGE",
    ABORTED: "ABORTED",
    CANNOT_DECOMPRESS: "CANNOT_DECOMPRESS",
    QUERY_WAS_CANCELLED: "QUERY_WAS_CANCELLED",
    BAD_REQUEST_PARAMETER: "BAD_REQUEST_PARAMETER",
    AUTHENTICATION_FAILED: "AUTHENTICATION_FAILED",
    STD_EXCEPTION: "STD_EXCEPTION",
}

# The table of ClickHouse's own HTTP handler, by number: every code that is not here is a 500.
_BAD_REQUEST = frozenset(
    {6, 8, 15, 25, 26, 27, 36, 37, 38, 41, 44, 53, 62, 72, 117, 123, 167, 168, 223, 321, 376, 408, 427, 441, 675, 676}
)
_NOT_FOUND = frozenset({46, 47, 50, 56, 60, 63, 73, 78, 81, 115, 152, 336, 511})
_FORBIDDEN = frozenset({192, 193, 497, 512, 516})
_SINGLE = {194: 401, 48: 501, 229: 413, 76: 503, 209: 503, 439: 503, 202: 503, 381: 411, 159: 408, 779: 415}

_CODE = re.compile(r"Code: (\d+)\. (?:DB::)?Exception: ")


class ClickHouseError(StackError):
    """A statement that the engine or this endpoint refused.

    Attributes:
        code: ClickHouse's error code, as in `system.errors`.
        text: the whole sentence, `Code: N. DB::Exception: ... (NAME)`.
    """

    def __init__(self, code: int, text: str) -> None:
        super().__init__(text)
        self.code = code
        self.text = text

    @classmethod
    def refused(cls, code: int, message: str) -> ClickHouseError:
        """An error of this endpoint itself, in the engine's form."""
        return cls(code, f"Code: {code}. DB::Exception: {message} ({_NAMES[code]})")

    @classmethod
    def from_engine(cls, error: BaseException) -> ClickHouseError:
        """The error that chDB raised, with the words that its Python layers put before it removed."""
        message = str(error)
        found = _CODE.search(message)
        if found is None:
            return cls.refused(STD_EXCEPTION, message or type(error).__name__)
        return cls(int(found.group(1)), message[found.start() :].strip())

    @property
    def status(self) -> int:
        """The HTTP status that ClickHouse answers with for this code."""
        return http_status(self.code)


def http_status(code: int) -> int:
    """The HTTP status for a ClickHouse error code, by the table of ClickHouse's own handler."""
    if code in _SINGLE:
        return _SINGLE[code]
    if code in _BAD_REQUEST:
        return 400
    if code in _NOT_FOUND:
        return 404
    if code in _FORBIDDEN:
        return 403
    return 500
