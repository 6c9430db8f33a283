"""What the endpoint must know of a statement before the engine sees it.

The engine's HTTP interface takes a statement and the data of an INSERT as one stream of bytes. The engine in
process takes them apart: a statement as text, data as bytes. This module finds the border, the verb and the output
format with a lexer that knows ClickHouse's comments, strings and quoted names. It does not judge SQL: what it does
not understand goes to the engine, whose error is better.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from watchkeeper.cli.stack.clickhouse_errors import NOT_IMPLEMENTED, ClickHouseError

if TYPE_CHECKING:
    from collections.abc import Iterator

_TOKEN = re.compile(
    rb"""
    (?P<blank>\s+ | --[^\n]* | \#[ !][^\n]* | /\*.*?\*/)
    | (?P<quoted>'(?:[^'\\]|\\.|'')*' | `(?:[^`\\]|\\.)*` | "(?:[^"\\]|\\.)*" | \$(?P<tag>\w*)\$.*?\$(?P=tag)\$)
    | (?P<word>[A-Za-z_][A-Za-z0-9_]*)
    | (?P<open>[(\[{])
    | (?P<close>[)\]}])
    | (?P<other>.)
    """,
    re.DOTALL | re.VERBOSE,
)
_AFTER_FORMAT = re.compile(rb"[ \t\f;]*\r?\n?")
_SELECTS = frozenset({"SELECT", "WITH", "FROM"})
_AFTER_FORMAT_CLAUSE = frozenset({";", "SETTINGS"})
_NAME_FOLLOWS = frozenset({"INTO", "TABLE", "INSERT", "."})


@dataclass(frozen=True, slots=True)
class Token:
    """One token that means something.

    Attributes:
        text: a word in upper case, or the bytes as they stand.
        depth: how many brackets are open around it.
        end: offset behind its last byte.
        is_word: whether it is a bare word.
    """

    text: str
    depth: int
    end: int
    is_word: bool


@dataclass(frozen=True, slots=True)
class InsertHead:
    """The part of an INSERT before its data.

    Attributes:
        end: offset at which the head ends: the statement without its FORMAT clause.
        data: offset of the first byte of the data.
        format: the format that is named, or an empty string.
    """

    end: int
    data: int
    format: str


def tokens(sql: bytes | bytearray) -> Iterator[Token]:
    """The tokens of a statement without blanks and comments."""
    depth = 0
    for match in _TOKEN.finditer(sql):
        kind = match.lastgroup
        if kind == "blank":
            continue
        if kind == "close":
            depth = max(0, depth - 1)
        text = match.group().decode("utf-8", "replace")
        is_word = kind == "word"
        yield Token(text.upper() if is_word else text, depth, match.end(), is_word)
        if kind == "open":
            depth += 1


def verb(sql: bytes | bytearray) -> str:
    """The first word of the statement in upper case; `(` counts as SELECT, nothing at all as an empty string."""
    for token in tokens(sql):
        if token.is_word:
            return token.text
        if token.text == "(":
            return "SELECT"
        return ""
    return ""


def insert_head(sql: bytes | bytearray) -> InsertHead | None:
    """Where the head of an INSERT with data ends, or None where the statement carries no data for a format.

    `INSERT ... SELECT` and `INSERT ... VALUES` are statements that the engine runs as they stand. The data begin
    behind the format's name: blanks and one line end are skipped, as the engine's server does.

    Raises:
        ClickHouseError: the data are to come from a file of this machine, which a server does not do.
    """
    before, head_end, opened_by = "", 0, ""
    for token in tokens(sql):
        at_top = token.depth == 0 and token.is_word and before not in _NAME_FOLLOWS
        if at_top and before == "FORMAT" and opened_by == "FORMAT":
            return _head_with_format(sql, head_end, token)
        if at_top and token.text == "INFILE":
            raise ClickHouseError.refused(NOT_IMPLEMENTED, "FROM INFILE: send the data in the body of the request")
        if (at_top and token.text in {"SELECT", "WITH", "VALUES", "WATCH"}) or _opens_select(before, token):
            return None
        opened_by = "FORMAT" if at_top and token.text == "FORMAT" else ""
        head_end = head_end if opened_by else token.end
        before = token.text
    return InsertHead(end=len(sql), data=len(sql), format="")


def _opens_select(before: str, token: Token) -> bool:
    return before == "(" and token.depth == 1 and token.is_word and token.text in {"SELECT", "WITH"}


def _head_with_format(sql: bytes | bytearray, head_end: int, name: Token) -> InsertHead:
    start = name.end - len(name.text)
    skipped = _AFTER_FORMAT.match(sql, name.end)
    data = skipped.end() if skipped else name.end
    return InsertHead(end=head_end, data=data, format=bytes(sql[start : name.end]).decode())


@dataclass(frozen=True, slots=True)
class Reading:
    """What a statement that is no data-carrying INSERT will do.

    Attributes:
        format: the output format that it names, or an empty string.
        selects: whether it only selects.
        streams: whether its result can be had in pieces: totals and extremes come after all pieces, and get lost.
    """

    format: str
    selects: bool
    streams: bool


def reading(sql: bytes | bytearray) -> Reading:
    """The output format of a statement, and whether its result can be had in pieces.

    Raises:
        ClickHouseError: the result is to be written into a file of this machine, which a server does not do.
    """
    named, candidate, before, first = "", "", "", ""
    seen: set[str] = set()
    for token in tokens(sql):
        named = candidate if candidate and token.text in _AFTER_FORMAT_CLAUSE else named
        candidate = ""
        if token.is_word:
            if before == "INTO" and token.text == "OUTFILE":
                raise ClickHouseError.refused(NOT_IMPLEMENTED, "INTO OUTFILE: read the result from the response")
            if before == "FORMAT" and token.depth == 0:
                candidate = bytes(sql[token.end - len(token.text) : token.end]).decode()
            seen.add(token.text)
        first = first or ("SELECT" if token.text == "(" else token.text)
        before = token.text
    selects = first in _SELECTS and "INSERT" not in seen
    streams = selects and not seen & {"TOTALS", "EXTREMES"}
    return Reading(format=candidate or named, selects=selects, streams=streams)
