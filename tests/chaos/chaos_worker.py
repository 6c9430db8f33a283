"""A worker whose ports fail where they are told to: the real worker, with a wiring around its real ports."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from collections import Counter
from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TypeVar

sys.path.insert(0, str(Path(__file__).parent))
from chaos_faults import CHAOS_TOPICS, CLOCK, FAULT, TRACE, Moment, load_fault

from watchkeeper.schemas.errors import BusUnavailableError, StoreUnavailableError
from watchkeeper.stream_processors.engine.engine import Acknowledge
from watchkeeper.stream_processors.engine.ports import (
    Bus,
    Clock,
    ContentKey,
    EventKey,
    Horizon,
    Message,
    Record,
    RowsRefusedError,
    ScoreKey,
    StateKey,
    Store,
    StoredDigest,
    StoredPart,
    StoredState,
)
from watchkeeper.stream_processors.offsets import Assignment
from watchkeeper.stream_processors.wiring import Offsets, Wiring
from watchkeeper.stream_processors.worker import main

T = TypeVar("T")


class Striker:
    """Stands at every boundary."""

    def __init__(self) -> None:
        self._fault = load_fault(os.environ.get(FAULT))
        self._trace = os.environ.get(TRACE)
        self._passed: Counter[tuple[str, Moment]] = Counter()

    async def around(self, call: str, do: Callable[[], Awaitable[T]]) -> T:
        """Makes a call, and strikes before or after it."""
        await self._pass(call, "before")
        answer = await do()
        await self._pass(call, "after")
        return answer

    @staticmethod
    def _tell(path: str, line: str) -> None:
        with Path(path).open("a") as out:
            out.write(line)

    async def _pass(self, call: str, moment: Moment) -> None:
        passage = self._passed[call, moment] = self._passed[call, moment] + 1
        if self._trace and passage == 1:
            self._tell(self._trace, f"{call} {moment}\n")
        fault = self._fault
        if fault is None or not fault.strikes(call, moment, passage):
            return
        if fault.action == "kill":
            os.kill(os.getpid(), signal.SIGKILL)
        elif fault.action == "term":
            os.kill(os.getpid(), signal.SIGTERM)
        elif fault.action == "hang":
            await asyncio.sleep(fault.seconds)
        elif fault.action == "refuse":
            raise RowsRefusedError(f"chaos refuses {call}")
        elif call.startswith(("publish", "log_id")):
            raise BusUnavailableError(f"chaos at {call}, {moment}")
        else:
            raise StoreUnavailableError(f"chaos at {call}, {moment}")


class FaultyStore:
    """The store behind the striker."""

    def __init__(self, store: Store, striker: Striker) -> None:
        self._store, self._around = store, striker.around

    async def insert(self, table: str, rows: Sequence[bytes]) -> None:
        """See `Store`."""
        await self._around(f"insert:{table}", lambda: self._store.insert(table, rows))

    async def open_states(self, table: str, partitions: Collection[int], most: int) -> list[StoredState]:
        """See `Store`."""
        return await self._around(f"open_states:{table}", lambda: self._store.open_states(table, partitions, most))

    async def states(self, table: str, keys: Collection[StateKey]) -> list[StoredState]:
        """See `Store`."""
        return await self._around(f"states:{table}", lambda: self._store.states(table, keys))

    async def digests(self, keys: Collection[EventKey]) -> dict[EventKey, list[StoredDigest]]:
        """See `Store`."""
        return await self._around("digests", lambda: self._store.digests(keys))

    async def contents(self, keys: Collection[ContentKey], most_parts: int) -> list[StoredPart]:
        """See `Store`."""
        return await self._around("contents", lambda: self._store.contents(keys, most_parts))

    async def known_scores(self, keys: Collection[ScoreKey]) -> set[ScoreKey]:
        """See `Store`."""
        return await self._around("known_scores", lambda: self._store.known_scores(keys))


class FaultyBus:
    """The bus of one stage behind the striker."""

    def __init__(self, topic: str, bus: Bus, striker: Striker) -> None:
        self._topic, self._bus, self._around = topic, bus, striker.around

    async def publish(self, messages: Sequence[Message]) -> None:
        """See `Bus`."""
        await self._around(f"publish:{self._topic}", lambda: self._bus.publish(messages))

    async def log_id(self) -> str:
        """See `Bus`."""
        return await self._around(f"log_id:{self._topic}", self._bus.log_id)


class AdvancedClock:
    """The worker's clock, ahead by what a file says: the harness lets an hour pass."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._path = Path(os.environ[CLOCK])

    @property
    def ahead_us(self) -> int:
        """By how much."""
        return round(float(self._path.read_text() or 0) * 1e6) if self._path.exists() else 0

    def now_us(self) -> int:
        """See `Clock`."""
        return self._clock.now_us() + self.ahead_us

    def elapsed_us(self) -> int:
        """See `Clock`."""
        return self._clock.elapsed_us() + self.ahead_us

    async def sleep(self, seconds: float) -> None:
        """See `Clock`."""
        await self._clock.sleep(seconds)


class FaultyOffsets:
    """Places and commits behind the striker; the moments of the log are those of the advanced clock."""

    def __init__(self, topic: str, offsets: Offsets, striker: Striker, clock: AdvancedClock) -> None:
        self._topic, self._offsets, self._around, self._clock = topic, offsets, striker.around, clock

    def assignment(self) -> Assignment:
        """See `Offsets`."""
        return self._offsets.assignment()

    def hasten(self) -> None:
        """See `Offsets`."""
        self._offsets.hasten()

    def forget(self) -> None:
        """See `Offsets`."""
        self._offsets.forget()

    def horizons(self, partitions: Collection[int]) -> dict[int, Horizon]:
        """See `Offsets`."""
        ahead = self._clock.ahead_us
        found = self._offsets.horizons(partitions)
        return {number: replace(horizon, at_us=horizon.at_us + ahead) for number, horizon in found.items()}

    def began(self, partition: int) -> int | None:
        """See `Offsets`."""
        return self._offsets.began(partition)

    async def starts(self, partitions: Collection[int]) -> Mapping[int, int]:
        """See `Offsets`."""
        return await self._offsets.starts(partitions)

    async def commit(self, offsets: Mapping[int, int], generation: int) -> bool:
        """See `Offsets`."""
        return await self._around(f"commit:{self._topic}", lambda: self._offsets.commit(offsets, generation))


class Chaos(Wiring):
    """Puts all of it between the engine and its ports."""

    topics = CHAOS_TOPICS

    def __init__(self) -> None:
        self.striker = Striker()
        self.advanced: AdvancedClock | None = None

    def store(self, store: Store) -> Store:
        """See `Wiring`."""
        return FaultyStore(store, self.striker)

    def clock(self, clock: Clock) -> Clock:
        """See `Wiring`."""
        self.advanced = AdvancedClock(clock)
        return self.advanced

    def bus(self, topic: str, bus: Bus) -> Bus:
        """See `Wiring`."""
        return FaultyBus(topic, bus, self.striker)

    def offsets(self, topic: str, offsets: Offsets) -> Offsets:
        """See `Wiring`."""
        assert self.advanced is not None
        return FaultyOffsets(topic, offsets, self.striker, self.advanced)

    def noting(self, topic: str, note: Acknowledge) -> Acknowledge:
        """See `Wiring`."""

        async def noted(records: Sequence[Record]) -> None:
            await self.striker.around(f"note:{topic}", lambda: note(records))

        return noted


if __name__ == "__main__":
    main(wiring=Chaos())
