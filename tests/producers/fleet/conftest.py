from __future__ import annotations

import io
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import pytest

from watchkeeper.producers import Watchkeeper
from watchkeeper.producers.fleet.agents import AgentSpec
from watchkeeper.producers.fleet.cast import Cast
from watchkeeper.producers.fleet.faults import Fault, FaultyTransport
from watchkeeper.producers.fleet.fleet import Fleet, Plan, make_plan
from watchkeeper.producers.fleet.ledger import Ledger
from watchkeeper.producers.fleet.matching import Seen, Tally, compare
from watchkeeper.producers.fleet.pace import Pace
from watchkeeper.producers.fleet.scenarios import REGISTRY
from watchkeeper.producers.local import LocalTransport
from watchkeeper.producers.stops import OnStop
from watchkeeper.producers.transport import OnDelivery, Record
from watchkeeper.schemas.control import Control
from watchkeeper.stream_processors.detection.session import Totals
from watchkeeper.stream_processors.prices import GenaiPriceBook

SETTLE_SECONDS = 20.0
HURRIED = 0.1
"""The part of each wait that is waited: enough for a stop to arrive before the next dozen calls."""


class SharedJudge:
    """One judge in this process for all recorders of the fleet, as one worker is for all processes."""

    def __init__(self) -> None:
        self.watches: list[Watchkeeper] = []
        self._lock = threading.Lock()
        self._judging = LocalTransport(self._obey, prices=GenaiPriceBook(), out=io.StringIO())

    def wire(self, spec: AgentSpec, on_stop: OnStop, fault: Fault | None) -> Watchkeeper:
        transport = self if fault is None else FaultyTransport(self, fault)
        watch = Watchkeeper(
            agent=spec.name, policy=spec.policy, transport=transport, on_stop=on_stop, origin="simulated"
        )
        self.watches.append(watch)
        return watch

    def findings(self) -> list[Seen]:
        with self._lock:
            latest = {finding.finding_id: finding for finding in self._judging.findings()}
        return [Seen.of(finding) for finding in latest.values()]

    def totals(self) -> dict[str, Totals]:
        with self._lock:
            return {session_id: state.totals for (_, session_id), state in self._judging._sessions.items()}

    def let_time_pass(self) -> None:
        with self._lock:
            self._judging.poll()

    def send(self, record: Record, on_delivery: OnDelivery, give_up: Callable[[], bool]) -> bool:
        with self._lock:
            return self._judging.send(record, on_delivery, give_up)

    def poll(self) -> None: ...

    def flush(self, seconds: float) -> int:
        return 0

    def close(self, seconds: float) -> None: ...

    def after_fork(self) -> None: ...

    def _obey(self, command: Control) -> None:
        for watch in self.watches:
            watch._recorder.obey(command)


@dataclass(frozen=True)
class Rehearsal:
    plan: Plan
    ledger: Ledger
    tallies: dict[str, Tally]
    losses: dict[str, int]
    totals: dict[str, Totals]


@pytest.fixture(scope="session")
def rehearsal() -> Iterator[Rehearsal]:
    """Every scenario, once as often as it asks, judged in this process by the worker's detectors."""
    judge, ledger = SharedJudge(), Ledger()
    cast = Cast(judge.wire, Pace(HURRIED))
    plan = make_plan(REGISTRY)
    over = threading.Event()

    def tick() -> None:
        while not over.wait(0.2):
            judge.let_time_pass()

    ticking = threading.Thread(target=tick)
    ticking.start()
    try:
        Fleet(cast, ledger, at_once=16).play(plan.parts, lambda _: None)
        assert cast.flush(5.0)
        tallies = compare(ledger.entries(), (), judge.findings())
        deadline = time.monotonic() + SETTLE_SECONDS
        while any(tally.missing for tally in tallies.values()) and time.monotonic() < deadline:
            over.wait(0.1)
            tallies = compare(ledger.entries(), (), judge.findings())
        yield Rehearsal(plan, ledger, tallies, cast.losses(), judge.totals())
    finally:
        over.set()
        ticking.join()
        cast.close()
