"""`make chaos`: every kind of fault under load, the ledger against the store, outcomes against a run without faults."""

from __future__ import annotations

import argparse
import json
import re
import shutil
import signal
import sys
import tempfile
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from harness import Figure, of_runs, write
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table

from watchkeeper.schemas.errors import WatchkeeperError

sys.path.insert(0, str(Path(__file__).parents[1] / "tests" / "simulation"))
sys.path.insert(0, str(Path(__file__).parents[1] / "tests" / "chaos"))
from chaos_perform import Result, perform
from chaos_runs import RUNS, Run
from chaos_store import Store

if TYPE_CHECKING:
    from chaos_compare import Outcome

LEAST_RUNS, LEAST_EVENTS = 20, 1_000_000


def main() -> None:
    """Runs all; exits with 1 where anything was lost, doubled or changed, or a run did not come to rest."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--sessions", type=int, default=240, help="of each of the two hosts; some 56 events each")
    parser.add_argument("--only", default="", help="runs whose name holds this")
    parser.add_argument("--json", action="store_true", help="one JSON object on each line instead of a table")
    parser.add_argument(
        "--keep", action="store_true", help="keep the logs of all runs, not those of failing ones alone"
    )
    options = parser.parse_args()
    chosen = [run for run in RUNS if options.only in run.fault]
    if not chosen:
        parser.error(f"no run is named like {options.only!r}; there are {', '.join(run.fault for run in RUNS)}")
    home = Path(tempfile.mkdtemp(prefix="watchkeeper-chaos-"))
    game = Game(home, options.seed, options.sessions, keep=options.keep, console=Console(stderr=options.json))
    try:
        game.play(chosen)
    finally:
        kept = game.clear()
    if options.json:
        for result in game.results:
            print(json.dumps(row(result)))
    else:
        Console(width=120).print(table(game.results))
    if not options.only:
        write("chaos", figures(game.results, len(game.failed)))
        game.failed += too_few(game.results)
    is_good = not game.failed and all(result.verdict.is_good for result in game.results)
    for message in (*game.failed, *(f"see {place}" for place in kept)):
        print(message, file=sys.stderr)
    sys.exit(0 if is_good else 1)


def too_few(results: list[Result]) -> list[str]:
    """What a run of all faults lacks."""
    events = sum(result.verdict.sent for result in results)
    if len(results) >= LEAST_RUNS and events >= LEAST_EVENTS:
        return []
    return [f"{len(results)} runs, {events:,} events: wanted are {LEAST_RUNS} and {LEAST_EVENTS:,}"]


@dataclass
class Game:
    """All runs, one after another.

    Attributes:
        home: holds a directory for each run, with the logs, the hosts' ledgers and the broker's data.
        keep: whether the directories of good runs stay as well.
        results: of the runs that came to rest.
        failed: what is to be said of the others.
    """

    home: Path
    seed: int
    sessions: int
    keep: bool
    console: Console
    results: list[Result] = field(default_factory=list)
    failed: list[str] = field(default_factory=list)
    _kept: list[Path] = field(default_factory=list)
    _expected: Outcome | None = None

    def play(self, runs: list[Run]) -> None:
        """The run without faults, then the others.

        Where the first does not come to rest there is nothing to compare with, and the others are left out.
        """
        store = Store(self.home / "store")
        store.start()
        shown = Progress(
            TextColumn("{task.description}"),
            BarColumn(),
            MofNCompleteColumn(),
            TimeElapsedColumn(),
            console=self.console,
        )
        try:
            with shown:
                bar = shown.add_task("", total=len(runs) + 1)
                for number, run in enumerate([Run("none"), *runs]):
                    shown.update(bar, description=run.fault)
                    self._one(run, store, self.home / f"{number:02}-{re.sub('[^a-z_]+', '-', run.fault)}")
                    shown.advance(bar)
                    if self._expected is None:
                        break
        finally:
            store.end(signal.SIGTERM)

    def clear(self) -> list[Path]:
        """Removes what nobody needs; answers the directories that stay."""
        for place in self.home.iterdir():
            if place not in self._kept:
                shutil.rmtree(place)
        if not self._kept:
            self.home.rmdir()
        return self._kept

    def _one(self, run: Run, store: Store, place: Path) -> None:
        # Until it is known to be good: whatever ends this process, the logs of the run that it was at stay.
        self._kept.append(place)
        try:
            result = perform(run, store, place, seed=self.seed, sessions=self.sessions, expected=self._expected)
        except (AssertionError, WatchkeeperError) as error:
            self.failed.append(f"{run.fault}: {error}")
            self.console.print(f"{run.fault}: did not come to rest; see {place}")
            # A broker or a store that this run left behind must not decide the next one.
            store.restart()
            return
        if self._expected is None:
            self._expected = result.outcome
            if not result.verdict.is_good:
                self.failed.append(f"{run.fault}: {row(result)}")
        else:
            self.console.print(json.dumps(row(result)), soft_wrap=True, highlight=False)
            self._note(result, place)
        if result.verdict.is_good and not self.keep:
            shutil.rmtree(place)
            self._kept.remove(place)

    def _note(self, result: Result, place: Path) -> None:
        found, expected = result.outcome, self._expected
        assert expected is not None
        # A million rows are not kept for a table of counts.
        result.outcome = {}
        self.results.append(result)
        if result.verdict.is_good:
            return
        lines = [
            f"{part} {key!r}\n  found    {found.get(part, {}).get(key)!r}\n  expected {expected[part].get(key)!r}\n"
            for part, keys in result.verdict.changed.items()
            for key in keys
        ]
        (place / "differences").write_text("".join(lines))
        self.console.print(f"{result.fault}: is not as without faults; see {place}")


def row(result: Result) -> dict[str, object]:
    """A result as one line."""
    verdict = result.verdict
    return {
        "fault": result.fault,
        "sent": verdict.sent,
        "stored": verdict.stored,
        "doubled": verdict.doubled,
        "lost": verdict.lost,
        "changed": {name: len(keys) for name, keys in verdict.changed.items()},
        "recovery_seconds": None if result.recovery_seconds is None else round(result.recovery_seconds, 1),
        "seconds": round(result.seconds, 1),
    }


def table(results: list[Result]) -> Table:
    """Faults, and the counts of each."""
    shown = Table(title="Faults under load")
    for name in ("fault", "sent", "stored", "doubled", "lost", "changed", "recovery, s"):
        shown.add_column(name, justify="left" if name == "fault" else "right")
    for result in results:
        verdict, recovery = result.verdict, result.recovery_seconds
        counts = (verdict.sent, verdict.stored, verdict.doubled, verdict.lost, changes(result))
        shown.add_row(result.fault, *(f"{count:,}" for count in counts), "" if recovery is None else f"{recovery:.1f}")
    return shown


def changes(result: Result) -> int:
    """Findings, commands, states and all else that differs from the run without faults."""
    return sum(map(len, result.verdict.changed.values()))


def figures(results: list[Result], failed: int) -> list[Figure]:
    """What `results/chaos.json` holds."""
    sums = {
        "fault_runs": len(results),
        "failed_runs": failed,
        "events": sum(result.verdict.sent for result in results),
        "lost": sum(result.verdict.lost for result in results),
        "duplicated": sum(result.verdict.doubled for result in results),
        "findings_changed": sum(changes(result) for result in results),
    }
    told = [Figure(name, value, "", len(results), (value, value)) for name, value in sums.items()]
    kinds: dict[str, list[float]] = {}
    for result in results:
        if result.recovery_seconds is not None:
            kinds.setdefault(result.fault.split(":")[0], []).append(result.recovery_seconds)
    # The median; the interval ends with the longest.
    return told + [of_runs(f"recovery_seconds {kind}", "s", seconds) for kind, seconds in kinds.items()]


if __name__ == "__main__":
    main()
