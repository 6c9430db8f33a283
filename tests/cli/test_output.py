"""Tables, figures and times: what people read, and what they type."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from io import StringIO

import pytest
from rich.console import Console
from rich.text import Text

from watchkeeper.cli import formats
from watchkeeper.cli.output import Column, make_console, one_line, print_table
from watchkeeper.cli.times import parse_moment, parse_span
from watchkeeper.schemas.visible_text import visible

ID = "0199c8f2-6a41-7c3e-9b55-2f8d3a1e6b70"
COLUMNS = (Column("started"), Column("session"), Column("calls", "right", "below"), Column("summary", place="text"))
LONG = "It called refnd, which is no tool of this agent, and then it called it again and again, in vain, for ever."


def table(width: int | None, rows: list[list[Text | str]]) -> list[str]:
    file = StringIO()
    console = make_console(file)
    if width is not None:
        # rich takes a dumb terminal, as CI has it, for one of 80 columns.
        console = Console(
            file=file,
            width=width,
            force_terminal=True,
            color_system=None,
            highlight=False,
            soft_wrap=True,
            _environ={"TERM": "xterm"},
        )
    print_table(console, COLUMNS, rows)
    return file.getvalue().splitlines()


def test_into_a_pipe_goes_one_line_for_each_row_without_colours() -> None:
    shown = table(None, [["2026-03-02", ID, "12", Text(LONG, style="red")]])
    assert len(shown) == 2
    assert shown[0].split() == ["started", "session", "calls", "summary"]
    assert shown[1] == f"2026-03-02  {ID}     12  {LONG}"


@pytest.mark.parametrize("width", [60, 80, 100])
def test_a_narrow_terminal_gets_the_rest_of_a_row_below_it(width: int) -> None:
    shown = table(width, [["2026-03-02", ID, "12", LONG]])
    assert all(len(line) <= width for line in shown)
    assert shown[1] == f"2026-03-02  {ID}"
    assert shown[2] == "    calls 12"
    assert " ".join(line.strip() for line in shown[3:]) == LONG


def test_ids_are_never_cut() -> None:
    assert any(ID in line for line in table(20, [["2026-03-02", ID, "12", LONG]]))


def test_a_wide_terminal_gets_one_line() -> None:
    assert len(table(200, [["2026-03-02", ID, "12", LONG]])) == 2


def test_characters_of_double_width_keep_columns_straight() -> None:
    shown = table(None, [["日本", "a", "1", "x"], ["2026", "b", "2", "y"]])
    assert shown[1] == "日本     a            1  x"
    assert shown[2] == "2026     b            2  y"


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("plain\ttext\nof two lines", "plain\ttext\nof two lines"),
        ("\x1b[2J\x07", "\\x1b[2J\\x07"),
        ("over\rwritten", "over\\x0dwritten"),
        ("\x9b31m", "\\x9b31m"),
        ("abc\u202etxt.exe", "abc\\u202etxt.exe"),
        ("line\r\nend", "line\nend"),
        ("half \ud83d of a pair", "half \\ud83d of a pair"),
    ],
)
def test_control_characters_are_spelled_out(text: str, shown: str) -> None:
    assert visible(text) == shown


def test_a_cell_is_one_line() -> None:
    assert one_line("a\nb\tc") == "a\\nb c"


@pytest.mark.parametrize(
    ("seconds", "shown"),
    [
        (0.0123, "12 ms"), (12.34, "12.3 s"), (59.96, "60.0 s"), (60, "1 min"), (245, "4 min 5 s"),
        (3600, "1 h"), (7380, "2 h 3 min"), (86_400 * 3 + 3600 * 4, "3 d 4 h"),
    ],
)  # fmt: skip
def test_lengths_of_time(seconds: float, shown: str) -> None:
    assert formats.duration(seconds) == shown


@pytest.mark.parametrize(
    ("usd", "unpriced", "shown"),
    [
        (Decimal("12.4"), 0, "$12.40"), (0.0031, 0, "$0.0031"), (0.0000021, 0, "$0.0000021"), (0, 0, "$0"),
        (0, 3, "unpriced"), (0.0031, 1, "≥ $0.0031"), (1234.5, 0, "$1,234.50"),
    ],
)  # fmt: skip
def test_money(usd: float, unpriced: int, shown: str) -> None:
    assert formats.cost(usd, unpriced) == shown


def test_bars_and_sizes() -> None:
    assert formats.bar(0.5, 4) == "██░░"
    assert formats.bar(7, 4) == "████"
    assert formats.bar(0, 4) == "░░░░"
    assert [formats.size(number) for number in (512, 1229, 5 * 1024**2)] == ["512 B", "1.2 KiB", "5.0 MiB"]
    assert [formats.offset(micros) for micros in (12_300_000, -500_000, 63_000_000)] == [
        "+12.3 s",
        "-0.500 s",
        "+1 min 3 s",
    ]


NOW = datetime(2026, 3, 2, 12, tzinfo=UTC)


@pytest.mark.parametrize(
    ("text", "moment"),
    [
        ("30m", NOW - timedelta(minutes=30)),
        ("1h30m", NOW - timedelta(minutes=90)),
        ("7d", NOW - timedelta(days=7)),
        ("2w", NOW - timedelta(days=14)),
        ("90s", NOW - timedelta(seconds=90)),
        ("9999w", datetime(1970, 1, 1, tzinfo=UTC)),
        ("2026-03-01", datetime(2026, 3, 1, tzinfo=UTC)),
        ("2026-03-01T10:00", datetime(2026, 3, 1, 10, tzinfo=UTC)),
        ("2026-03-01T10:00+01:00", datetime(2026, 3, 1, 9, tzinfo=UTC)),
        ("2026-03-01T10:00:00Z", datetime(2026, 3, 1, 10, tzinfo=UTC)),
        *((text, None) for text in ("", "soon", "5", "m", "-1h", "2026-13-01", "0001-01-01", "9999-01-01")),
    ],
)
def test_moments(text: str, moment: datetime | None) -> None:
    assert parse_moment(text, NOW) == moment


def test_spans() -> None:
    assert parse_span("1d2h") == timedelta(hours=26)
    assert parse_span("999999999w") is None
    assert parse_span("1.5h") is None
