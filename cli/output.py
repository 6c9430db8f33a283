"""What commands print: tables for people, JSON for machines.

For people, what goes to a terminal fits its width; what goes to a file or a pipe has one line for each row, however
long, and no colours. Ids are never cut. Text that agents wrote is shown without its control characters: they could
move the cursor, or hide what stands there.
"""

from __future__ import annotations

import sys
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import IO, Any, Final, Literal

import orjson
from rich.console import Console
from rich.text import Text

from watchkeeper.cli.command import close_output
from watchkeeper.schemas.model import format_utc
from watchkeeper.schemas.visible_text import visible

GAP: Final = "  "
_INDENT: Final = "    "
_JSON: Final = orjson.OPT_PASSTHROUGH_DATETIME
UNBOUNDED: Final = 1_000_000
"""The width of what has none."""

SEVERITY_STYLES: Final = {"info": "dim", "low": "cyan", "medium": "yellow", "high": "red", "critical": "bold red"}
STATUS_STYLES: Final = {
    "open": "green",
    "completed": "",
    "failed": "red",
    "stopped": "yellow",
    "silent": "yellow",
    "ok": "",
    "error": "red",
    "timeout": "red",
    "rejected": "yellow",
    "cancelled": "yellow",
}


def one_line(text: str) -> str:
    """The same on one line."""
    return visible(text).replace("\n", "\\n").replace("\t", " ")


class _Console(Console):
    def on_broken_pipe(self) -> None:
        close_output()


def make_console(file: IO[str] | None = None) -> Console:
    """A console on stdout: the terminal's width, or none where it is no terminal."""
    console = _Console(file=file, highlight=False, emoji=False, markup=False, soft_wrap=True)
    if not console.is_terminal:
        console.width = UNBOUNDED
    return console


def print_json(value: Any) -> None:
    """One JSON document, indented, in UTF-8."""
    _write(orjson.dumps(value, option=_JSON | orjson.OPT_INDENT_2, default=_as_json) + b"\n")


def print_json_lines(values: Iterable[Any]) -> None:
    """One JSON object on each line, in UTF-8."""
    for value in values:
        _write(orjson.dumps(value, option=_JSON, default=_as_json) + b"\n")


def _write(raw: bytes) -> None:
    sys.stdout.write(raw.decode())
    sys.stdout.flush()


def _as_json(value: Any) -> Any:
    if isinstance(value, datetime):
        return format_utc(value)
    return float(value) if isinstance(value, Decimal) else str(value)


@dataclass(frozen=True, slots=True)
class Column:
    """A column of a table.

    Attributes:
        title: its heading.
        align: where its cells stand.
        place: `line` always stands in the row's line; `below` moves under it where the row is too long for the
            terminal, with its title as a label; `text` does too, and is broken into lines there.
    """

    title: str
    align: Literal["left", "right"] = "left"
    place: Literal["line", "below", "text"] = "line"


def print_table(console: Console, columns: Sequence[Column], rows: Iterable[Sequence[Text | str]]) -> None:
    """Prints a table: each row on one line where that fits, else with its longer part below it."""
    cells = [[_cell(value) for value in row] for row in rows]
    titles = [Text(column.title, style="dim") for column in columns]
    widths = [max(row[index].cell_len for row in [titles, *cells]) for index in range(len(columns))]
    total = sum(widths) + len(GAP) * (len(widths) - 1)
    if total <= console.width:
        for row in [titles, *cells]:
            console.print(_line(row, columns, widths))
        return
    top = [index for index, column in enumerate(columns) if column.place == "line"]
    console.print(_line([titles[i] for i in top], [columns[i] for i in top], [widths[i] for i in top]))
    for row in cells:
        console.print(_line([row[i] for i in top], [columns[i] for i in top], [widths[i] for i in top]))
        for line in _below(console, columns, row):
            console.print(line)


def _below(console: Console, columns: Sequence[Column], row: Sequence[Text]) -> Iterable[Text]:
    facts = Text()
    for column, cell in zip(columns, row, strict=True):
        if column.place == "below" and cell.plain not in {"", "-"}:
            facts.append_text(Text(" · " if facts else ""))
            facts.append_text(Text(f"{column.title} ", style="dim")).append_text(cell)
    texts = [cell for column, cell in zip(columns, row, strict=True) if column.place == "text" and cell.plain]
    for text in [facts, *texts]:
        if text:
            yield from indented(console, text, _INDENT)


def indented(console: Console, text: Text, indent: str) -> Iterable[Text]:
    """A text, broken to the console's width where it has one, each line indented."""
    room = max(20, console.width - len(indent))
    lines = text.split("\n", allow_blank=True) if console.width >= UNBOUNDED else text.wrap(console, room)
    for line in lines:
        line.rstrip()
        yield Text(indent).append_text(line)


def _line(row: Sequence[Text], columns: Sequence[Column], widths: Sequence[int]) -> Text:
    line = Text()
    for index, (cell, column, width) in enumerate(zip(row, columns, widths, strict=True)):
        padding = " " * (width - cell.cell_len)
        line.append(GAP if index else "")
        if column.align == "right":
            line.append(padding).append_text(cell)
        else:
            line.append_text(cell).append(padding)
    line.rstrip()
    return line


def _cell(value: Text | str) -> Text:
    if isinstance(value, str):
        return Text(one_line(value))
    return value
