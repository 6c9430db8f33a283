"""SQL files: cut into statements by their semicolons, whatever stands in quotes and comments."""

from __future__ import annotations

import re

_TOKEN = re.compile(
    r"""
      (?P<comment> --[^\n]* | \#[ !][^\n]* | /\*.*?\*/ )
    | (?P<quoted> '(?:[^'\\]|\\.|'')*' | "(?:[^"\\]|\\.|"")*" | `(?:[^`\\]|\\.|``)*` )
    | (?P<open> ['"`] | /\* )
    | (?P<end> ; )
    | (?P<plain> [^'"`;/#-]+ | . )
    """,
    re.VERBOSE | re.DOTALL,
)


class UnclosedError(ValueError):
    """A quote or a comment begins and never ends.

    Attributes:
        line: where it begins, from 1.
        opening: the characters that begin it.
    """

    def __init__(self, line: int, opening: str) -> None:
        super().__init__(f"line {line}: {opening} begins here and never ends")
        self.line = line
        self.opening = opening


def split_statements(text: str) -> list[str]:
    """The statements of a file, without their semicolons and comments; empty ones are left out.

    Comments are `--`, `#` with a space or `!` behind it, and `/* */`, as ClickHouse reads them.

    Raises:
        UnclosedError: a quote or a comment is not closed.
    """
    statements: list[str] = []
    parts: list[str] = []
    for token in _TOKEN.finditer(text):
        if token.lastgroup == "open":
            raise UnclosedError(text.count("\n", 0, token.start()) + 1, token.group())
        if token.lastgroup == "end":
            statements.append("".join(parts).strip())
            parts = []
        else:
            parts.append(" " if token.lastgroup == "comment" else token.group())
    statements.append("".join(parts).strip())
    return [statement for statement in statements if statement]
