"""The keys: one for each answer, and a few to go back, to see more, to skip and to stop."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final

import click
from rich.console import Console
from rich.text import Text

from watchkeeper.cli.labels.page import session_lines
from watchkeeper.cli.output import one_line
from watchkeeper.evals.interaction import Interaction
from watchkeeper.evals.labelling.answers import Answer, Tally, tally
from watchkeeper.evals.rubric import Criterion, Rubric

ANSWERS: Final[dict[str, Answer]] = {
    "y": "yes",
    "p": "partly",
    "n": "no",
    "-": "does_not_apply",
    "?": "cannot_tell",
}
_HELP: Final = "y yes  p partly  n no  - does not apply  ? cannot tell    b back  f in full  t note  s skip  q stop"
_ENTER: Final = frozenset({"\r", "\n"})
_STOP: Final = frozenset({"", "q", "\x03", "\x04"})


class StoppedError(Exception):
    """The person stops; what was answered on this session is forgotten."""


class SkippedError(Exception):
    """The person will not or cannot label this session."""


@dataclass(slots=True)
class Given:
    """What a person says of a session.

    Attributes:
        passed: whether it is good enough as a whole.
    """

    tally: Tally
    passed: bool
    note: str


@dataclass(slots=True)
class Asking:
    """Asks a person about one session.

    Attributes:
        key: waits for a key and returns it.
    """

    console: Console
    interaction: Interaction
    rubric: Rubric
    key: Callable[[], str] = click.getchar
    note: str = ""
    answers: dict[str, Answer] = field(default_factory=dict)

    def ask(self) -> Given:
        """Each criterion, then the whole.

        Raises:
            SkippedError: the session is skipped.
            StoppedError: the person stops here.
        """
        self._show(full=False)
        at = 0
        while True:
            while at < len(self.rubric.criteria):
                at = max(0, at + self._criterion(at))
            summed = tally(self.rubric, self.answers)
            verdict = self._whole(summed)
            if verdict is not None:
                return Given(summed, verdict, self.note)
            at = len(self.rubric.criteria) - 1

    def _criterion(self, at: int) -> int:
        """Asks one; returns where to go from there."""
        one: Criterion = self.rubric.criteria[at]
        must = " (must be passed)" if one.must_pass else ""
        self.console.print()
        self.console.print(Text(one_line(f"{at + 1}/{len(self.rubric.criteria)} {one.name}{must}: {one.asks}"), "bold"))
        self.console.print(Text(_HELP, "dim"))
        while True:
            pressed = self._pressed()
            if pressed in ANSWERS:
                self.answers[one.name] = ANSWERS[pressed]
                self.console.print(Text(f"  {ANSWERS[pressed].replace('_', ' ')}", "green"))
                return 1
            if pressed == "b":
                return -1

    def _whole(self, summed: Tally) -> bool | None:
        """Whether it is good enough; None to go back."""
        self.console.print()
        suggests = summed.suggests
        if suggests is None:
            self.console.print(Text("no criterion could be answered: is the session good enough all the same?", "bold"))
            self.console.print(Text("y yes  n no    b back  f in full  t note  s skip  q stop", "dim"))
        else:
            told = f"by the rubric it {'passes' if suggests else 'fails'} ({summed.value:.2f}, bar {self.rubric.bar:g})"
            self.console.print(Text(f"{told}. Is it good enough, as a whole?", "bold"))
            says = "y" if suggests else "n"
            keys = f"Enter as the rubric says ({says})  y yes  n no    b back  f in full  t note  s skip  q stop"
            self.console.print(Text(keys, "dim"))
        while True:
            pressed = self._pressed()
            if pressed in {"y", "n"}:
                return pressed == "y"
            if pressed in _ENTER and suggests is not None:
                return suggests
            if pressed == "b":
                return None

    def _pressed(self) -> str:
        """A key that is none of those that always work; they are dealt with."""
        while True:
            try:
                pressed = self.key()
            except (EOFError, KeyboardInterrupt) as error:
                raise StoppedError from error
            except OSError as error:
                advice = "labelling needs a terminal: give --json for the queue, and --from FILE for labels"
                raise click.UsageError(advice) from error
            if pressed in _STOP:
                raise StoppedError
            if pressed == "s":
                raise SkippedError
            if pressed == "f":
                self._show(full=True)
            elif pressed == "t":
                self.note = click.prompt("note", default=self.note, show_default=False)[:2000]
            else:
                return pressed

    def _show(self, *, full: bool) -> None:
        for line in session_lines(self.console, self.interaction, full=full):
            self.console.print(line)
