"""One run, from empty parts to the comparison."""

from __future__ import annotations

import shutil
import signal
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

from chaos_compare import Outcome, Verdict, collect, compare
from chaos_faults import CHAOS_TOPICS, Fault
from chaos_runs import Run
from chaos_store import Store
from chaos_world import HOUR, World, fingerprint, minutes_are_made, number, tended, until

from watchkeeper.cli.stack.apache.cluster import KafkaCluster
from watchkeeper.cli.stack.testing import running_broker, running_kafka

PATIENCE = 180.0
QUIET_SECONDS = 1.5


@contextmanager
def _broker(run: Run, home: Path) -> Iterator[tuple[str, KafkaCluster | None]]:
    """Apache Kafka, or, where Java or Maven is missing, the embedded broker."""
    if run.nodes == 0 or shutil.which("java") is None or shutil.which("mvn") is None:
        with running_broker(CHAOS_TOPICS, log_dir=home) as bootstrap:
            yield bootstrap, None
        return
    with running_kafka(run.nodes, CHAOS_TOPICS, data_dir=home / "kafka") as kafka:
        if run.late:
            kafka.nodes[0].stop()
        yield kafka.bootstrap, kafka


@dataclass
class Result:
    """A run's verdict, its outcome, and how long it took from the strike until more was stored."""

    fault: str
    verdict: Verdict
    outcome: Outcome
    recovery_seconds: float | None
    seconds: float


def perform(
    run: Run,
    store: Store,
    home: Path,
    *,
    seed: int,
    sessions: int,
    expected: Outcome | None,
    script: Path | None = None,
    comes_to_rest: bool = True,
) -> Result:
    """One run from empty parts to the comparison; without `expected`, with itself.

    With `comes_to_rest` False it is enough that all is committed and unchanging: a planted bug may store less.

    Raises:
        NotInTimeError: it did not come to rest, or the fault never struck.
    """
    begun = time.monotonic()
    store.new_database()
    if run.absent:
        store.end(signal.SIGTERM)
    strike = run.strike
    fault = None
    if strike is not None:
        spent = str(home / "spent")
        fault = Fault(strike.call, strike.moment, strike.action, strike.nth, spent, strike.times)
    home.mkdir(parents=True, exist_ok=True)
    with ExitStack() as stack:
        bootstrap, kafka = stack.enter_context(_broker(run, home))
        world = World(home, bootstrap, store.dsn, seed, sessions, fault)
        if script is not None:
            world.script = script
        stack.enter_context(tended(world))
        world.start_rollups()
        world.start_worker("worker")
        for name in ("host-0", "host-1"):
            world.start_host(name)
        _endure(run, world, store, kafka)
        _come_to_rest(world, all_stored=comes_to_rest)
        _let_silence_tell(world, expected)
        until(world, "minutes made", PATIENCE, lambda: minutes_are_made(world.dsn))
        outcome = collect(world.dsn, bootstrap)
        verdict = compare(world.dsn, world.ledger(), outcome, expected or outcome)
    store.drop()
    return Result(run.fault, verdict, outcome, world.recovery_seconds, time.monotonic() - begun)


def _endure(run: Run, world: World, store: Store, kafka: KafkaCluster | None) -> None:
    """Until the fault is over and all is told."""
    steps = run.outside(world, store, kafka) if run.outside else iter(())

    def is_over() -> bool:
        pending = next(steps, StopIteration) is not StopIteration
        world.look()
        told = world.tend()
        struck = world.fault.struck() if world.fault is not None else 0
        if struck:
            world.is_struck()
        return not pending and told and (world.fault is None or struck == world.fault.times)

    until(world, f"{run.fault}: the fault and the story", PATIENCE, is_over)


def _come_to_rest(world: World, *, all_stored: bool) -> None:
    """Until all that was acknowledged is stored and committed, and outputs change no more."""
    ledger = world.ledger()
    if all_stored:
        until(world, "stored", PATIENCE, lambda: world.look() >= len(ledger.places))
    until(world, "committed", PATIENCE, lambda: world.committed(ledger.ends))
    world.has_recovered()
    _unchanging(world)


def _unchanging(world: World) -> None:
    last, since = fingerprint(world.dsn), time.monotonic()

    def quiet() -> bool:
        nonlocal last, since
        now = fingerprint(world.dsn)
        if now != last or now is None:
            last, since = now, time.monotonic()
        return time.monotonic() - since > QUIET_SECONDS and world.committed({})

    until(world, "at rest", PATIENCE, quiet)


def _let_silence_tell(world: World, expected: Outcome | None) -> None:
    """Two hours pass: what the tick finds in sessions that never ended is there."""
    silent = "SELECT uniqExact(session_id) FROM findings FINAL WHERE kind = 'never_closed'"
    still_open = "SELECT count() FROM sessions FINAL WHERE status = 'open'"
    wanted = number(world.dsn, still_open)
    if expected is not None:
        wanted = sum(row.get("kind") == "never_closed" for row in expected["findings"].values())
    world.advance(2 * HOUR)
    until(world, "silence told", PATIENCE, lambda: number(world.dsn, silent) >= wanted > 0)
    _unchanging(world)
