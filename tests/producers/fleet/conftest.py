from __future__ import annotations

import io
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import pytest

from watchkeeper.producers import Watchkeeper
from watchkeeper.producers.context import current
from watchkeeper.producers.fleet.agent_spec import AgentSpec
from watchkeeper.producers.fleet.cast import Cast
from watchkeeper.producers.fleet.faults import Fault, FaultyTransport
from watchkeeper.producers.fleet.fleet import Fleet, Plan, make_plan
from watchkeeper.producers.fleet.ledger import Ledger
from watchkeeper.producers.fleet.matching import Seen, Tally, compare
from watchkeeper.producers.fleet.pace import Pace
from watchkeeper.producers.fleet.scenarios import REGISTRY
from watchkeeper.producers.identity import system_clock
from watchkeeper.producers.local import LocalTransport
from watchkeeper.producers.stops import OnStop
from watchkeeper.producers.transport import Delivery, OnDelivery, Record
from watchkeeper.schemas.control import Control
from watchkeeper.schemas.events import EVENT_ADAPTER
from watchkeeper.schemas.wire import split_lines
from watchkeeper.stream_processors.detection.hearing import Place, Verdict
from watchkeeper.stream_processors.detection.session import Totals
from watchkeeper.stream_processors.detection.subjects import SubjectJudge, SubjectState
from watchkeeper.stream_processors.prices import GenaiPriceBook

SETTLE_SECONDS = 60.0
PATIENCE_SECONDS = 60.0
HURRIED = 0.02
"""The part of each wait that is waited."""


class BothStages(LocalTransport):
    """Judges in this process as a worker does: each signal of a session is folded as soon as it is said."""

    def after_fork(self) -> None:
        super().after_fork()
        self._subject_judge = SubjectJudge(acting=frozenset({"simulated"}))
        self._subjects: dict[str, SubjectState] = {}
        self._heard = 0

    def send(self, record: Record, on_delivery: OnDelivery, give_up: Callable[[], bool]) -> bool:
        for line in split_lines(record.value):
            event = EVENT_ADAPTER.validate_json(line)
            self._judge.learn(event)
            self._heard += 1
            place, now_us = Place(0, self._heard, 0), system_clock()
            session = self._session(event)
            self._said(self._judge.step(session, event, clock_us=now_us, stamped_us=now_us, place=place))
        on_delivery(Delivery(record, "", 0, self._heard))
        return True

    def _said(self, verdict: Verdict) -> None:
        super()._said(verdict)
        for signal in verdict.signals:
            subject = self._subjects.setdefault(signal.subject, self._subject_judge.open(signal))
            super()._said(self._subject_judge.step(subject, signal, clock_us=system_clock()))


class SharedJudge:
    """One judge in this process for all recorders of the fleet, as one worker is for all processes."""

    def __init__(self) -> None:
        self.watches: list[Watchkeeper] = []
        self.events = self.bytes = 0
        self._lock = threading.Lock()
        self._judging = BothStages(self._obey, prices=GenaiPriceBook(), out=io.StringIO())

    def wire(self, spec: AgentSpec, on_stop: OnStop, fault: Fault | None) -> Watchkeeper:
        transport = self if fault is None else FaultyTransport(self, fault)
        watch = Watchkeeper(
            agent=spec.name,
            policy=spec.policy,
            transport=transport,
            agent_version=spec.version,
            on_stop=on_stop,
            origin="simulated",
        )
        self.watches.append(watch)
        return watch

    def findings(self) -> list[Seen]:
        with self._lock:
            latest = {one.finding_id: one for one in sorted(self._judging.findings(), key=lambda one: one.revision)}
        return [Seen.of(finding) for finding in latest.values()]

    def totals(self) -> dict[str, Totals]:
        with self._lock:
            return {session_id: state.totals for (_, session_id), state in self._judging._sessions.items()}

    def let_time_pass(self) -> None:
        with self._lock:
            self._judging.poll()

    def send(self, record: Record, on_delivery: OnDelivery, give_up: Callable[[], bool]) -> bool:
        with self._lock:
            self.events += record.events
            self.bytes += len(record.value)
            return self._judging.send(record, on_delivery, give_up)

    def poll(self) -> None: ...

    def flush(self, seconds: float) -> int:
        return 0

    def close(self, seconds: float) -> None: ...

    def after_fork(self) -> None: ...

    def _obey(self, command: Control) -> None:
        for watch in self.watches:
            watch._recorder.obey(command)


class JudgedPace(Pace):
    """Lets no model answer before the judge has heard what was told: a busy machine lets nobody run away further."""

    def think(self, seconds: float) -> None:
        session = current()
        if session is not None:
            session._watch.flush(PATIENCE_SECONDS)
        super().think(seconds)


@dataclass(frozen=True)
class Rehearsal:
    plan: Plan
    ledger: Ledger
    tallies: dict[str, Tally]
    losses: dict[str, int]
    totals: dict[str, Totals]
    mean_bytes: float


@pytest.fixture(scope="session")
def rehearsal() -> Iterator[Rehearsal]:
    """Every scenario, once as often as it asks, judged in this process by the worker's detectors."""
    judge, ledger = SharedJudge(), Ledger()
    cast = Cast(judge.wire, JudgedPace(HURRIED, PATIENCE_SECONDS))
    plan = make_plan(REGISTRY)
    over = threading.Event()

    def tick() -> None:
        while not over.wait(0.2):
            judge.let_time_pass()

    ticking = threading.Thread(target=tick)
    ticking.start()
    try:
        fleet = Fleet(cast, ledger, at_once=16)
        fleet.expect(plan)
        fleet.play(plan.parts, lambda _: None)
        assert cast.flush(PATIENCE_SECONDS)
        tallies = compare(ledger.entries(), ledger.of_agents(), judge.findings())
        deadline = time.monotonic() + SETTLE_SECONDS
        while any(tally.missing for tally in tallies.values()) and time.monotonic() < deadline:
            over.wait(0.1)
            tallies = compare(ledger.entries(), ledger.of_agents(), judge.findings())
        yield Rehearsal(plan, ledger, tallies, cast.losses(), judge.totals(), judge.bytes / judge.events)
    finally:
        over.set()
        ticking.join()
        cast.close()
