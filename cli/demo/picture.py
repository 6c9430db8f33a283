"""What a demo shows while it runs: a live picture on a terminal, plain lines elsewhere."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import IO, Final, Protocol

from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.progress_bar import ProgressBar
from rich.spinner import Spinner
from rich.table import Table
from rich.text import Text

from watchkeeper.cli.formats import plural
from watchkeeper.cli.output import SEVERITY_STYLES, one_line
from watchkeeper.producers.fleet.ledger import Entry
from watchkeeper.producers.fleet.matching import Seen

PLAIN_EVERY_SECONDS: Final = 5.0
"""Where there is no terminal, progress is told so often."""

PAST_SECONDS: Final = 3600.0
"""A finding about what happened longer ago was told of the past: how soon it came says nothing."""

REFRESH_PER_SECOND: Final = 8
BAR_WIDTH: Final = 28
MOST_BARS: Final = 10
"""A terminal has 24 lines; kinds of scenarios that are over make room for those that are not."""


class Picture(Protocol):
    """What is shown while a demo runs."""

    def phase(self, what: str) -> None:
        """Something begins."""

    def progress(self, ended: Mapping[str, int], total: Mapping[str, int]) -> None:
        """How many runs of scenarios have ended, and how many there will be, by chapter."""

    def finding(self, seen: Seen) -> None:
        """A finding came."""

    def stopped(self, entry: Entry, seconds: float | None) -> None:
        """An agent learnt that its session must stop, so long after the breach."""


class LivePicture:
    """Bars at the bottom of a terminal; findings scroll above them."""

    def __init__(self, live: Live) -> None:
        self._live = live
        self._spinner = Spinner("dots")
        self._ended: Mapping[str, int] = {}
        self._total: Mapping[str, int] = {}
        self._found: Counter[str] = Counter()

    def phase(self, what: str) -> None:
        """See `Picture`."""
        self._spinner.update(text=Text(f"{what} …"))
        self._live.update(self._drawn())

    def progress(self, ended: Mapping[str, int], total: Mapping[str, int]) -> None:
        """See `Picture`."""
        self._ended, self._total = dict(ended), dict(total)
        self._live.update(self._drawn())

    def finding(self, seen: Seen) -> None:
        """See `Picture`."""
        self._found[seen.failure_mode] += 1
        self._say(finding_line(seen))

    def stopped(self, entry: Entry, seconds: float | None) -> None:
        """See `Picture`."""
        self._say(stopped_line(entry, seconds))

    def _say(self, line: Text) -> None:
        self._live.console.print(line, no_wrap=True, overflow="ellipsis", soft_wrap=False)

    def _drawn(self) -> RenderableType:
        bars = Table.grid(padding=(0, 2, 0, 0))
        under_way = [chapter for chapter, total in self._total.items() if self._ended.get(chapter, 0) < total]
        for chapter in under_way[:MOST_BARS]:
            total = self._total[chapter]
            ended, found = self._ended.get(chapter, 0), self._found[chapter]
            bars.add_row(
                Text(f"  {chapter}"),
                ProgressBar(total=total, completed=ended, width=BAR_WIDTH),
                Text(f"{ended}/{total} runs"),
                Text(plural(found, "finding") if found else "", style="yellow"),
            )
        if not self._total:
            return Group(self._spinner)
        over = len(self._total) - len(under_way)
        told = plural(self._found.total(), "finding")
        summary = Text(f"  {over} of {plural(len(self._total), 'kind')} of scenarios over, {told}")
        return Group(Text(), bars, summary, self._spinner)


class PlainPicture:
    """Lines."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._told_at = 0.0
        self._told = -1

    def phase(self, what: str) -> None:
        """See `Picture`."""
        self._console.print(Text(f"{what} …"))

    def progress(self, ended: Mapping[str, int], total: Mapping[str, int]) -> None:
        """See `Picture`."""
        done, of = sum(ended.values()), sum(total.values())
        due = time.monotonic() > self._told_at + PLAIN_EVERY_SECONDS or done == of
        if due and done != self._told:
            self._told_at, self._told = time.monotonic(), done
            self._console.print(Text(f"{done} of {of} runs"))

    def finding(self, seen: Seen) -> None:
        """See `Picture`."""
        self._console.print(finding_line(seen))

    def stopped(self, entry: Entry, seconds: float | None) -> None:
        """See `Picture`."""
        self._console.print(stopped_line(entry, seconds))


@contextmanager
def picture_on(file: IO[str]) -> Iterator[Picture]:
    """The picture that suits the file, for the length of a block."""
    console = Console(file=file, highlight=False, emoji=False, markup=False, soft_wrap=True)
    if not console.is_terminal:
        yield PlainPicture(console)
        return
    with Live(console=console, transient=True, refresh_per_second=REFRESH_PER_SECOND) as live:
        yield LivePicture(live)


def finding_line(seen: Seen) -> Text:
    """A finding on one line: how bad, what, who, how soon, and its sentence."""
    line = Text()
    line.append(f"{seen.severity:<8} ", style=SEVERITY_STYLES.get(seen.severity, ""))
    line.append(f"{seen.failure_mode:<25} ", style="bold")
    line.append(f"{seen.agent_id:<16} ")
    soon = seen.seconds_to_finding < PAST_SECONDS
    line.append(f"{seen.seconds_to_finding:5.2f} s  " if soon else f"{'past':>7}  ", style="dim")
    line.append(one_line(seen.summary))
    return line


def stopped_line(entry: Entry, seconds: float | None) -> Text:
    """A session that was stopped on one line."""
    line = Text()
    line.append(f"{'stopped':<8} ", style="bold green")
    line.append(f"{'':<25} {entry.agent:<16} ")
    line.append(f"{'':7}  " if seconds is None else f"{seconds:5.2f} s  ", style="dim")
    line.append(f"session {entry.session_id} ended by its agent")
    return line
