"""ClickHouse's Native format in the form that newer clients ask for.

A client that sends `client_protocol_version` (clickhouse-go, and with it Grafana's data source) expects each block to
begin with a block info, and each column to say whether it is serialised in a special way. The engine in process writes
the form of protocol version 0, without both. The bytes between are the same, so they are copied; only where a column
ends must be found out, which needs its type.
"""

from __future__ import annotations

import re
from typing import NamedTuple

from watchkeeper.cli.stack.clickhouse_errors import NOT_IMPLEMENTED, ClickHouseError

FIRST_REVISION = 54_454
"""The protocol version from which columns carry the flag. Below it the old form is sent, which such clients probe."""

# Field 1: no overflow row. Field 2: bucket -1. End of fields.
_BLOCK_INFO = b"\x01\x00\x02\xff\xff\xff\xff\x00"
_DEFAULT_SERIALIZATION = b"\x00"

_SIZES = {
    **dict.fromkeys(("Int8", "UInt8", "Bool", "Enum8", "Nothing"), 1),
    **dict.fromkeys(("Int16", "UInt16", "Enum16", "Date", "BFloat16"), 2),
    **dict.fromkeys(("Int32", "UInt32", "Float32", "Date32", "DateTime", "Decimal32", "IPv4", "Time"), 4),
    **dict.fromkeys(("Int64", "UInt64", "Float64", "DateTime64", "Decimal64", "Time64"), 8),
    **dict.fromkeys(("Int128", "UInt128", "UUID", "IPv6", "Decimal128"), 16),
    **dict.fromkeys(("Int256", "UInt256", "Decimal256"), 32),
}
_ALIASES = {
    "Point": "Tuple(Float64, Float64)",
    "Ring": "Array(Point)",
    "LineString": "Array(Point)",
    "MultiLineString": "Array(LineString)",
    "Polygon": "Array(Ring)",
    "MultiPolygon": "Array(Polygon)",
}
_DECIMAL_SIZES = ((9, 4), (18, 8), (38, 16), (76, 32))
_INDEX_SIZES = (1, 2, 4, 8)
_HAS_ADDITIONAL_KEYS = 0x200
_PIECE = re.compile(r"'(?:[^'\\]|\\.)*'|`(?:[^`\\]|\\.)*`|[(),]|[^'`(),]+")
_NAMED = re.compile(r"^(?:`(?:[^`\\]|\\.)*`|[A-Za-z_]\w*)\s+(?=[A-Z])")


class ColumnType(NamedTuple):
    """A column's type taken apart: `Array(Nullable(String))` is Array over (Nullable over String).

    Attributes:
        name: the outermost name.
        arguments: what stands in its brackets, as text.
    """

    name: str
    arguments: tuple[str, ...]


def parse_type(text: str) -> ColumnType:
    """Take a type's name apart at its outermost brackets."""
    text = _ALIASES.get(text, text)
    name, bracket, rest = text.partition("(")
    if not bracket:
        return ColumnType(text, ())
    arguments: list[str] = []
    current, depth = "", 0
    for piece in _PIECE.findall(rest[:-1]):
        depth += (piece == "(") - (piece == ")")
        if piece == "," and depth == 0:
            arguments.append(current.strip())
            current = ""
        else:
            current += piece
    return ColumnType(name, tuple(argument for argument in (*arguments, current.strip()) if argument))


def with_block_info(blocks: bytes) -> bytes:
    """Whole Native blocks of protocol version 0, rewritten for clients from `FIRST_REVISION` on.

    Raises:
        ClickHouseError: a column has a type whose length cannot be told; the message names it.
    """
    out: list[bytes] = []
    walker = _Walker(blocks)
    while walker.at < len(blocks):
        out.append(_BLOCK_INFO)
        begin = walker.at
        columns, rows = walker.number(), walker.number()
        out.append(blocks[begin : walker.at])
        for _ in range(columns):
            begin = walker.at
            name, kind = walker.text(), walker.text()
            out += (blocks[begin : walker.at], _DEFAULT_SERIALIZATION)
            begin = walker.at
            if rows:
                walker.column(name, kind, rows)
            out.append(blocks[begin : walker.at])
    return b"".join(out)


class _Walker:
    """A position in Native bytes that can step over a column."""

    def __init__(self, data: bytes) -> None:
        self._data = data
        self.at = 0

    def number(self) -> int:
        result = shift = 0
        while True:
            byte = self._data[self.at]
            self.at += 1
            result |= (byte & 0x7F) << shift
            if byte < 0x80:
                return result
            shift += 7

    def text(self) -> str:
        length = self.number()
        self.at += length
        return self._data[self.at - length : self.at].decode()

    def column(self, name: str, kind: str, rows: int) -> None:
        try:
            self._prefix(kind)
            self._values(kind, rows)
        except _UnknownTypeError as error:
            message = (
                f"column '{name}' of type {kind} cannot be sent to a client of this protocol ({error} has no fixed"
                f" form here); select toString({name}), or toJSONString({name})"
            )
            raise ClickHouseError.refused(NOT_IMPLEMENTED, message) from error

    def _word(self) -> int:
        self.at += 8
        return int.from_bytes(self._data[self.at - 8 : self.at], "little")

    def _prefix(self, kind: str) -> None:
        """Step over what stands before all values: the version of each dictionary."""
        name, arguments = parse_type(kind)
        if name == "LowCardinality":
            self.at += 8
        elif name in {"Array", "Nullable", "SimpleAggregateFunction"}:
            self._prefix(arguments[-1])
        elif name in {"Tuple", "Map", "Nested"}:
            for argument in arguments:
                self._prefix(_unnamed(argument))

    def _values(self, kind: str, rows: int) -> None:
        name, arguments = parse_type(kind)
        if name == "String":
            self._strings(rows)
        elif name == "Nullable":
            self.at += rows
            self._values(arguments[0], rows)
        elif name in {"Array", "Map", "Nested"}:
            self._arrays(arguments, rows)
        elif name == "Tuple":
            self._tuples(arguments, rows)
        elif name == "SimpleAggregateFunction":
            self._values(arguments[-1], rows)
        elif name == "LowCardinality":
            self._dictionary(arguments[0], rows)
        else:
            self.at += rows * _size(name, arguments)

    def _strings(self, rows: int) -> None:
        data, at = self._data, self.at
        for _ in range(rows):
            byte = data[at]
            at += 1
            if byte < 0x80:
                at += byte
                continue
            self.at = at - 1
            length = self.number()
            at = self.at + length
        self.at = at

    def _arrays(self, arguments: tuple[str, ...], rows: int) -> None:
        self.at += 8 * rows
        total = int.from_bytes(self._data[self.at - 8 : self.at], "little") if rows else 0
        if total:
            for argument in arguments:
                self._values(_unnamed(argument), total)

    def _tuples(self, arguments: tuple[str, ...], rows: int) -> None:
        if not arguments:
            self.at += rows
        for argument in arguments:
            self._values(_unnamed(argument), rows)

    def _dictionary(self, kind: str, rows: int) -> None:
        if not rows:
            return
        flags = self._word()
        if flags & _HAS_ADDITIONAL_KEYS:
            name, arguments = parse_type(kind)
            keys = self._word()
            self._values(arguments[0] if name == "Nullable" else kind, keys)
        indexes = self._word()
        self.at += indexes * _INDEX_SIZES[flags & 0x3]


class _UnknownTypeError(Exception):
    """A type whose values have a length that this module cannot tell."""


def _unnamed(argument: str) -> str:
    """A tuple's element without its name: `a String` is String."""
    return _NAMED.sub("", argument, count=1)


def _size(name: str, arguments: tuple[str, ...]) -> int:
    if name == "FixedString":
        return int(arguments[0])
    if name == "Decimal":
        precision = int(arguments[0])
        return next(size for most, size in _DECIMAL_SIZES if precision <= most)
    if name.startswith("Interval"):
        return 8
    try:
        return _SIZES[name]
    except KeyError as error:
        raise _UnknownTypeError(name) from error
