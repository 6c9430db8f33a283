"""What a demo shows while it runs: a live picture on a terminal, plain lines elsewhere."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import IO, Final, Protocol

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, SpinnerColumn, TaskID, TextColumn
from rich.text import Text

from watchkeeper.cli.output import SEVERITY_STYLES, one_line
from watchkeeper.producers.fleet.ledger import Entry
from watchkeeper.producers.fleet.matching import Seen

PLAIN_EVERY_SECONDS: Final = 5.0
"""Where there is no terminal, progress is told so often."""


class Picture(Protocol):
    """What is shown while a demo runs."""

    def phase(self, what: str) -> None:
        """Something begins."""

    def progress(self, ended: Mapping[str, int], total: Mapping[str, int]) -> None:
        """How many sessions have ended, and how many there will be, by chapter."""

    def finding(self, seen: Seen) -> None:
        """A finding came."""

    def stopped(self, entry: Entry, seconds: float | None) -> None:
        """An agent learnt that its session must stop, so long after the breach."""


class LivePicture:
    """Bars at the bottom of a terminal; findings scroll above them."""

    def __init__(self, progress: Progress) -> None:
        self._progress = progress
        self._phase: TaskID | None = None
        self._chapters: dict[str, TaskID] = {}

    def phase(self, what: str) -> None:
        """See `Picture`."""
        if self._phase is not None:
            self._progress.remove_task(self._phase)
        self._phase = self._progress.add_task(what, total=None)

    def progress(self, ended: Mapping[str, int], total: Mapping[str, int]) -> None:
        """See `Picture`."""
        for chapter, number in total.items():
            if chapter not in self._chapters:
                self._chapters[chapter] = self._progress.add_task(f"  {chapter}", total=number)
            self._progress.update(self._chapters[chapter], completed=ended.get(chapter, 0))

    def finding(self, seen: Seen) -> None:
        """See `Picture`."""
        self._progress.console.print(_finding_line(seen))

    def stopped(self, entry: Entry, seconds: float | None) -> None:
        """See `Picture`."""
        self._progress.console.print(_stopped_line(entry, seconds))


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
            self._console.print(Text(f"{done} of {of} sessions"))

    def finding(self, seen: Seen) -> None:
        """See `Picture`."""
        self._console.print(_finding_line(seen))

    def stopped(self, entry: Entry, seconds: float | None) -> None:
        """See `Picture`."""
        self._console.print(_stopped_line(entry, seconds))


@contextmanager
def picture_on(file: IO[str]) -> Iterator[Picture]:
    """The picture that suits the file, for the length of a block."""
    console = Console(file=file, highlight=False, emoji=False, markup=False, soft_wrap=True)
    if not console.is_terminal:
        yield PlainPicture(console)
        return
    columns = (
        SpinnerColumn(finished_text="✓"),
        TextColumn("{task.description:<34}", markup=False),
        BarColumn(bar_width=24),
        MofNCompleteColumn(),
    )
    with Progress(*columns, console=console, transient=True) as progress:
        yield LivePicture(progress)


def _finding_line(seen: Seen) -> Text:
    line = Text()
    line.append(f"{seen.severity:<8} ", style=SEVERITY_STYLES.get(seen.severity, ""))
    line.append(f"{seen.failure_mode:<17} ", style="bold")
    line.append(f"{seen.agent_id:<16} ")
    line.append(one_line(seen.summary))
    line.append(f"  {seen.seconds_to_finding:.2f} s", style="dim")
    return line


def _stopped_line(entry: Entry, seconds: float | None) -> Text:
    line = Text(f"{'stopped':<8} {'':<17} {entry.agent:<16} ", style="bold green")
    line.append(f"{entry.session_id}")
    if seconds is not None:
        line.append(f"  {seconds:.2f} s after the breach", style="dim")
    return line
