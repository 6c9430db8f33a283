"""`make chaos`: every kind of fault under load, the ledger against the store, outcomes against a run without faults."""

from __future__ import annotations

import argparse
import json
import signal
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from harness import Figure, of_runs, write
from rich.console import Console
from rich.table import Table

sys.path.insert(0, str(Path(__file__).parents[1] / "tests" / "chaos"))
from chaos_runs import RUNS, Result, Run, perform
from chaos_store import Store

if TYPE_CHECKING:
    from chaos_compare import Outcome

LEAST_RUNS, LEAST_EVENTS = 20, 1_000_000


def main() -> None:
    """Runs all; exits with 1 where anything was lost, doubled or changed, or a run did not come to rest."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--sessions", type=int, default=300, help="of each of the two hosts; some 55 events each")
    parser.add_argument("--only", default="", help="runs whose name holds this")
    parser.add_argument("--json", action="store_true", help="one JSON object on each line instead of a table")
    options = parser.parse_args()
    chosen = [run for run in RUNS if options.only in run.fault]
    if not chosen:
        parser.error(f"no run is named like {options.only!r}; there are {', '.join(run.fault for run in RUNS)}")
    results, failed = play(chosen, options.seed, options.sessions, Console(stderr=options.json))
    if options.json:
        for result in results:
            print(json.dumps(row(result)))
    else:
        Console(width=120).print(table(results))
    if not options.only:
        write("chaos", figures(results, len(failed)))
        events = sum(result.verdict.sent for result in results)
        if len(results) < LEAST_RUNS or events < LEAST_EVENTS:
            failed.append(f"{len(results)} runs, {events:,} events: wanted are {LEAST_RUNS} and {LEAST_EVENTS:,}")
    for message in failed:
        print(message, file=sys.stderr)
    sys.exit(1 if failed or any(not result.verdict.is_good for result in results) else 0)


def play(runs: list[Run], seed: int, sessions: int, console: Console) -> tuple[list[Result], list[str]]:
    """The run without faults, then the others; answers their results, and what did not come to rest."""
    results: list[Result] = []
    failed: list[str] = []
    expected: Outcome | None = None
    with tempfile.TemporaryDirectory(prefix="watchkeeper-chaos-") as home:
        store = Store(Path(home) / "store")
        store.start()
        try:
            for number, run in enumerate([Run("none"), *runs]):
                with console.status(f"{number} of {len(runs)}: {run.fault}"):
                    place = Path(home) / f"run-{number}"
                    try:
                        result = perform(run, store, place, seed=seed, sessions=sessions, expected=expected)
                    except AssertionError as error:
                        failed.append(f"{run.fault}: {error}")
                        console.print(f"{number:>3} {run.fault}: did not come to rest")
                        continue
                if expected is None:
                    expected = result.outcome
                    continue
                # A million rows are not kept for a table of counts.
                result.outcome = {}
                results.append(result)
                console.print(f"{number:>3} {json.dumps(row(result))}")
        finally:
            store.end(signal.SIGTERM)
    return results, failed


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
