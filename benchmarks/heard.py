"""Events that detectors are measured with: those of the simulated fleet, and those of recordings."""

from __future__ import annotations

import io
import os
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from load import prepare

from watchkeeper.producers import Watchkeeper
from watchkeeper.producers.fleet.agent_spec import AgentSpec
from watchkeeper.producers.fleet.cast import Cast
from watchkeeper.producers.fleet.faults import Fault, FaultyTransport
from watchkeeper.producers.fleet.fleet import Fleet, make_plan
from watchkeeper.producers.fleet.ledger import Ledger
from watchkeeper.producers.fleet.pace import Pace
from watchkeeper.producers.fleet.scenarios import REGISTRY
from watchkeeper.producers.importers import Choices, Importer
from watchkeeper.producers.local import LocalTransport
from watchkeeper.producers.stops import OnStop
from watchkeeper.producers.testing import MemoryTransport
from watchkeeper.producers.transport import OnDelivery, Record
from watchkeeper.schemas.control import Control
from watchkeeper.schemas.event_contents import contents_of, is_shared
from watchkeeper.schemas.events import EVENT_ADAPTER, Event
from watchkeeper.schemas.wire import split_lines
from watchkeeper.stream_processors.prices import GenaiPriceBook

RECORDINGS = Path(os.environ.get("WATCHKEEPER_RECORDINGS") or Path(__file__).parents[2] / "shared" / "trajectories")
"""As for the tests that read them."""

NAMES = ("trail", "toolbench_chatgpt", "tau2_bench")

AT_ONCE = 40
"""Sessions that are played at the same time. Waits are waited whole, as in the demo: a fleet that hurries runs further
before it is stopped, and its few runaways, which read long documents, then make most of the texts."""


@dataclass(frozen=True, slots=True)
class Heard:
    """An event as it arrived.

    Attributes:
        at_us: when it arrived, epoch microseconds; 0 where it was recorded.
    """

    line: bytes
    at_us: int

    def decoded(self) -> Event:
        """The event, made anew: judged in the state in which the decoder leaves it."""
        return EVENT_ADAPTER.validate_json(self.line)


class _Hub:
    """One judge for all agents of the fleet, which stops those that must be stopped; keeps what arrived."""

    def __init__(self) -> None:
        self.heard: list[Heard] = []
        self._watches: list[Watchkeeper] = []
        self._lock = threading.Lock()
        self._judging = LocalTransport(self._obey, prices=GenaiPriceBook(), out=io.StringIO())

    def wire(self, spec: AgentSpec, on_stop: OnStop, fault: Fault | None) -> Watchkeeper:
        """See `Wiring`."""
        transport = self if fault is None else FaultyTransport(self, fault)
        watch = Watchkeeper(
            agent=spec.name, policy=spec.policy, transport=transport, on_stop=on_stop, origin="simulated"
        )
        self._watches.append(watch)
        return watch

    def let_time_pass(self) -> None:
        """Ticks the sessions."""
        with self._lock:
            self._judging.poll()

    def send(self, record: Record, on_delivery: OnDelivery, give_up: Callable[[], bool]) -> bool:
        """See `Transport.send`."""
        with self._lock:
            now_us = time.time_ns() // 1000
            self.heard += [Heard(line, now_us) for line in split_lines(record.value)]
            return self._judging.send(record, on_delivery, give_up)

    def poll(self) -> None:
        """See `Transport.poll`."""

    def flush(self, seconds: float) -> int:  # noqa: ARG002 - the protocol's shape
        """See `Transport.flush`."""
        return 0

    def close(self, seconds: float) -> None:
        """See `Transport.close`."""

    def after_fork(self) -> None:
        """See `Transport.after_fork`."""

    def _obey(self, command: Control) -> None:
        for watch in self._watches:
            watch._recorder.obey(command)  # noqa: SLF001 - commands come by the broker otherwise


def of_fleet(seed: int, sessions: int) -> list[Heard]:
    """What arrives of a run of the fleet, in order: every scenario at least as often as it asks."""
    hub, over = _Hub(), threading.Event()
    cast = Cast(hub.wire, Pace())
    plan = make_plan(REGISTRY, seed=seed, sessions=sessions)

    def tick() -> None:
        while not over.wait(0.2):
            hub.let_time_pass()

    ticking = threading.Thread(target=tick)
    ticking.start()
    try:
        Fleet(cast, Ledger(), at_once=AT_ONCE).play(plan.parts, lambda _: None)
        if not cast.flush(10.0):
            raise SystemExit("the fleet's events did not all arrive within 10 s: run again on a quieter machine")
    finally:
        over.set()
        ticking.join()
        cast.close()
    return hub.heard


def of_records(sessions: int, events: int, together: int, prefix: str) -> list[Heard]:
    """What the sessions of `make bench` send, in the order in which agents that run at once send it."""
    records = prepare(sessions, events, together, prefix)
    return [Heard(line, 0) for record in records for line in split_lines(record.value)]


def met_before(warm: Sequence[Heard], heard: Sequence[Heard]) -> list[tuple[int, bool]]:
    """The length of each text in `heard` that agents said or read, and whether it had come with another session."""
    first: dict[str, str] = {}
    lengths = []
    for place, one in enumerate((*warm, *heard)):
        event = one.decoded()
        for _, content in contents_of(event):
            if content.text is None or is_shared(content):
                continue
            came_with = first.setdefault(content.text, event.session_id)
            if place >= len(warm):
                lengths.append((len(content.text), came_with != event.session_id))
    return lengths


def of_recording(name: str) -> list[Heard] | None:
    """What an import of a recording sends; None where the recording is not there."""
    path = RECORDINGS / f"{name}.jsonl.gz"
    if not path.exists():
        return None
    made: list[MemoryTransport] = []

    def transport() -> MemoryTransport:
        made.append(MemoryTransport())
        return made[-1]

    Importer(transport, Choices(tenant=name)).run([path])
    lines = [line for one in made for line in one.lines()]
    return [Heard(line, 0) for line in lines]
