"""The runs: each kind of fault, how it is brought about, and the run itself."""

from __future__ import annotations

import os
import shutil
import signal
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

from chaos_compare import Outcome, Verdict, collect, compare
from chaos_faults import CHAOS_TOPICS, WRITES, Action, Fault, Moment
from chaos_store import Store
from chaos_world import HOUR, World, counted, fingerprint, number, tended, until

from watchkeeper.cli.stack.apache.cluster import KafkaCluster
from watchkeeper.cli.stack.testing import running_broker, running_kafka

PATIENCE = 120.0
QUIET_SECONDS = 1.5


Steps = Callable[[World, Store, KafkaCluster | None], Iterator[None]]
"""What the harness does to processes, step by step; it yields while it waits."""


@dataclass(frozen=True)
class Strike:
    """A fault inside the worker; see `chaos_faults.Fault`."""

    call: str
    moment: Moment
    action: Action
    nth: int = 2
    times: int = 1


@dataclass(frozen=True)
class Run:
    """One kind of run.

    Attributes:
        fault: its name.
        strike: what happens inside the worker.
        outside: what the harness does to processes.
        absent: whether the store is down when everything else starts.
        nodes: of Apache Kafka; 0 for the embedded broker.
        late: whether the broker is down when everything else starts.
    """

    fault: str
    strike: Strike | None = None
    outside: Steps | None = None
    absent: bool = False
    nodes: int = 1
    late: bool = False


def _in_the_middle(world: World) -> Iterator[None]:
    while counted(world.dsn) < world.sessions * 15:
        yield
    world.is_struck()


def _pause(seconds: float) -> Iterator[None]:
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        yield


def store_ends(how: signal.Signals) -> Steps:
    """The store ends under load and is started again three seconds later."""

    def steps(world: World, store: Store, kafka: KafkaCluster | None) -> Iterator[None]:
        yield from _in_the_middle(world)
        store.end(how)
        yield from _pause(3)
        store.start()

    return steps


def store_comes_late(world: World, store: Store, kafka: KafkaCluster | None) -> Iterator[None]:
    """The store comes when everything else has been up for a while."""
    yield from _pause(8)
    store.start()


def host_ends(how: signal.Signals) -> Steps:
    """Each host ends in the middle, and its successor tells the story again."""

    def steps(world: World, store: Store, kafka: KafkaCluster | None) -> Iterator[None]:
        for name in list(world.hosts):
            before = len(world.ledger().places)
            while len(world.ledger().places) < before + world.sessions * 8:
                yield
            if world.hosts[name].exit_code is None:
                world.is_struck()
                os.kill(world.hosts[name].pid, how)

    return steps


def two_workers(world: World, store: Store, kafka: KafkaCluster | None) -> Iterator[None]:
    """A second joins, the first is killed for good, a third comes, the second is told to stop."""
    world.start_worker("second")
    yield from _in_the_middle(world)
    world.resting.add("worker")
    world.workers["worker"].kill()
    world.start_worker("third")
    yield from _pause(8)
    world.resting.add("second")
    os.kill(world.workers["second"].pid, signal.SIGTERM)


def zombie(world: World, store: Store, kafka: KafkaCluster | None) -> Iterator[None]:
    """A worker stands still past its session's time-out, another takes over, and it goes on."""
    yield from _in_the_middle(world)
    os.kill(world.workers["worker"].pid, signal.SIGSTOP)
    world.start_worker("second")
    yield from _pause(12)
    os.kill(world.workers["worker"].pid, signal.SIGCONT)


def broker_ends(how: str, node: int = 0) -> Steps:
    """A node ends under load and is started again, with its data, four seconds later."""

    def steps(world: World, store: Store, kafka: KafkaCluster | None) -> Iterator[None]:
        assert kafka is not None, "this needs Apache Kafka"
        yield from _in_the_middle(world)
        getattr(kafka.nodes[node], how)()
        yield from _pause(4)
        kafka.nodes[node].start()

    return steps


def broker_comes_late(world: World, store: Store, kafka: KafkaCluster | None) -> Iterator[None]:
    """The broker comes when everything else has been up for a while."""
    assert kafka is not None, "this needs Apache Kafka"
    yield from _pause(6)
    kafka.nodes[0].start()


KILLED_BEFORE = ("publish:agent.events", "insert:events", "insert:sessions", "commit:agent.events", "insert:subjects")
NEVER_REACHED = {"insert:dead_letters"}
"""The load holds nothing that cannot be read."""


def _strikes() -> Iterator[Run]:
    for call in WRITES:
        if call in KILLED_BEFORE:
            yield Run(f"kill before {call}", Strike(call, "before", "kill"))
        if call not in NEVER_REACHED:
            # Stage 2 publishes its findings alone, and has few.
            nth = 1 if call == "publish:agent.signals" else 2
            yield Run(f"kill after {call}", Strike(call, "after", "kill", nth))
    yield Run("term after insert:events", Strike("insert:events", "after", "term"))
    yield Run("term before insert:sessions", Strike("insert:sessions", "before", "term"))
    yield Run("fail insert:events", Strike("insert:events", "before", "fail", times=3))
    yield Run("answer lost insert:events", Strike("insert:events", "after", "fail", times=3))
    yield Run("answer lost publish:agent.events", Strike("publish:agent.events", "after", "fail", times=3))
    yield Run("answer lost insert:subjects", Strike("insert:subjects", "after", "fail", times=2))
    yield Run("slow insert:events", Strike("insert:events", "before", "hang", times=3))
    yield Run("refuse insert:events", Strike("insert:events", "before", "refuse"))


RUNS: tuple[Run, ...] = (
    *_strikes(),
    Run("kill store", outside=store_ends(signal.SIGKILL)),
    Run("term store", outside=store_ends(signal.SIGTERM)),
    Run("store away at start", outside=store_comes_late, absent=True),
    Run("kill broker", outside=broker_ends("kill")),
    Run("term broker", outside=broker_ends("stop")),
    Run("kill one of three brokers", outside=broker_ends("kill", 1), nodes=3),
    Run("broker away at start", outside=broker_comes_late, late=True),
    Run("kill host", outside=host_ends(signal.SIGKILL)),
    Run("term host", outside=host_ends(signal.SIGTERM)),
    Run("two workers", outside=two_workers),
    Run("zombie worker", outside=zombie),
)


@contextmanager
def _broker(run: Run) -> Iterator[tuple[str, KafkaCluster | None]]:
    """Apache Kafka, or, where Java or Maven is missing, the embedded broker."""
    if run.nodes == 0 or shutil.which("java") is None or shutil.which("mvn") is None:
        with running_broker(CHAOS_TOPICS) as bootstrap:
            yield bootstrap, None
        return
    with running_kafka(run.nodes, CHAOS_TOPICS) as kafka:
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
    with ExitStack() as stack:
        bootstrap, kafka = stack.enter_context(_broker(run))
        world = World(home, bootstrap, store.dsn, seed, sessions, fault)
        if script is not None:
            world.script = script
        stack.enter_context(tended(world))
        world.start_worker("worker")
        for name in ("host-0", "host-1"):
            world.start_host(name)
        _endure(run, world, store, kafka)
        _come_to_rest(world, all_stored=comes_to_rest)
        _let_silence_tell(world, expected)
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
    until(world, "silence told", 60, lambda: number(world.dsn, silent) >= wanted > 0)
    _unchanging(world)
