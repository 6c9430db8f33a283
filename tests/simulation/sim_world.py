"""What workers share: broker, store and consumer group; and what goes wrong between them and a worker."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable, Collection, Sequence
from typing import Any, TypeVar

from sim_choices import Choices
from sim_invariants import Watch
from sim_loop import OWNER, SimClock, SimLoop

from watchkeeper.schemas.errors import BusUnavailableError, StoreUnavailableError
from watchkeeper.schemas.topics import PARTITIONS
from watchkeeper.stream_processors.engine.memory import MemoryBus
from watchkeeper.stream_processors.engine.memory_store import MemoryStore
from watchkeeper.stream_processors.engine.ports import (
    ContentKey,
    EventKey,
    Message,
    ScoreKey,
    StateKey,
    StoredDigest,
    StoredPart,
    StoredState,
)

T = TypeVar("T")

FAULTS = ("refused", "answer_lost", "half", "crash_before", "crash_after", "slow")
LATE = "applied_late"
"""Of inserts: the caller is told that it failed, and it happens all the same, later."""


class World:
    """Everything that outlives a worker.

    Attributes:
        severity: faults in a thousand calls; 0 while all is well.
        counted: how often each fault, and each boundary, was met.
    """

    def __init__(self, loop: SimLoop, choices: Choices) -> None:
        self.loop, self.choices = loop, choices
        self.clock = SimClock(loop)
        self.bus = MemoryBus(self.clock)
        self.store = MemoryStore(self.clock, refuses=lambda _, row: row.get("tool_name") == "poisoned")
        self.watch = Watch(self.bus, self.store)
        self.severity = 0
        self.away_until_us = 0
        self.counted: Counter[str] = Counter()
        self.trace: list[str] = []
        self.dead: set[str] = set()
        self._graves: list[asyncio.Future[None]] = []
        self.generation = 0
        self.members: dict[str, frozenset[int]] = {}

    def say(self, what: str) -> None:
        """Adds to the trace."""
        self.trace.append(f"{(self.loop.now_us % 86_400_000_000) / 1e6:>12.6f} {what}")

    def rebalance(self, members: Sequence[str]) -> None:
        """Gives the partitions to these workers, under a new generation."""
        self.generation += 1
        count = max(1, len(members))
        self.members = {name: frozenset(range(number, PARTITIONS, count)) for number, name in enumerate(members)}
        self.say(f"generation {self.generation}: {', '.join(members) or 'nobody'}")

    def kill(self, name: str) -> None:
        """Ends a worker: nothing that it does reaches anybody any more."""
        self.dead.add(name)
        self.say(f"{name} is dead")

    async def never(self) -> None:
        """Stands still, as a dead worker does, and is not swept up before the end."""
        self._graves.append(self.loop.create_future())
        await self._graves[-1]

    def fault(self, call: str, kinds: Sequence[str]) -> str:
        """What goes wrong with a call; empty for nothing."""
        if not self.severity or not self.choices.chance("world", self.severity):
            return ""
        kind = kinds[self.choices.pick("world", len(kinds))]
        self.counted[kind] += 1
        self.counted[f"{call}: {kind}"] += 1
        self.say(f"{OWNER.get()} {call}: {kind}")
        return kind

    async def hop(self, *, slow: bool = False) -> None:
        """The way to the other side; a dead worker's call never arrives."""
        duration_us = 20 * self.choices.pick("world", 200) if self.severity else 10
        await self.loop.pause(duration_us + 10_000_000 * slow)
        if OWNER.get() in self.dead:
            await self.never()


class Way:
    """A worker's way to bus and store."""

    def __init__(self, world: World) -> None:
        self.world = world

    async def call(
        self,
        name: str,
        error: type[Exception],
        do: Callable[[], Awaitable[T]],
        half: Callable[[], Awaitable[Any]] | None = None,
        late: bool = False,
    ) -> T:
        """One call, with what goes wrong with it."""
        world = self.world
        kinds = [kind for kind in FAULTS if half is not None or kind != "half"] + [LATE] * late
        fault = world.fault(name, kinds)
        await world.hop(slow=fault == "slow")
        if error is StoreUnavailableError and world.loop.now_us < world.away_until_us:
            raise error(f"{name}: the store is away")
        if fault == "refused":
            raise error(f"{name}: refused")
        if fault == "crash_before":
            await self._crash()
        if fault == LATE:
            world.loop.spawn("", self._later(do, world.choices.pick("world", 20)))
            raise error(f"{name}: no answer yet")
        if fault == "half" and half is not None:
            await half()
            raise error(f"{name}: half of it")
        done = await do()
        if fault == "crash_after":
            await self._crash()
        await world.hop()
        if fault == "answer_lost":
            raise error(f"{name}: no answer")
        return done

    async def _later(self, do: Callable[[], Awaitable[Any]], seconds: int) -> None:
        await self.world.loop.pause(seconds * 1_000_000)
        await do()

    async def _crash(self) -> None:
        self.world.kill(OWNER.get())
        await self.world.never()


class WayToBus(Way):
    """See `watchkeeper.stream_processors.engine.ports.Bus`."""

    async def publish(self, messages: Sequence[Message]) -> None:
        """See `Bus.publish`."""
        bus = self.world.bus
        half = messages[: len(messages) // 2]
        await self.call("publish", BusUnavailableError, lambda: bus.publish(messages), lambda: bus.publish(half))

    async def log_id(self) -> str:
        """See `Bus.log_id`."""
        return await self.call("log_id", BusUnavailableError, self.world.bus.log_id)


class WayToStore(Way):
    """See `watchkeeper.stream_processors.engine.ports.Store`."""

    async def insert(self, table: str, rows: Sequence[bytes]) -> None:
        """See `Store.insert`."""
        store, watch, owner = self.world.store, self.world.watch, OWNER.get()

        async def some(part: Sequence[bytes]) -> None:
            if part:
                watch.before_insert(owner, table, part)
                await store.insert(table, part)

        half = rows[: len(rows) // 2]
        name = f"insert {table}"
        await self.call(name, StoreUnavailableError, lambda: some(rows), lambda: some(half), late=True)

    async def open_states(self, table: str, partitions: Collection[int], most: int) -> list[StoredState]:
        """See `Store.open_states`."""
        store = self.world.store
        return await self.call(
            f"open_states {table}", StoreUnavailableError, lambda: store.open_states(table, partitions, most)
        )

    async def states(self, table: str, keys: Collection[StateKey]) -> list[StoredState]:
        """See `Store.states`."""
        store = self.world.store
        return await self.call(f"states {table}", StoreUnavailableError, lambda: store.states(table, keys))

    async def digests(self, keys: Collection[EventKey]) -> dict[EventKey, list[StoredDigest]]:
        """See `Store.digests`."""
        return await self.call("digests", StoreUnavailableError, lambda: self.world.store.digests(keys))

    async def contents(self, keys: Collection[ContentKey], most_parts: int) -> list[StoredPart]:
        """See `Store.contents`."""
        return await self.call("contents", StoreUnavailableError, lambda: self.world.store.contents(keys, most_parts))

    async def known_scores(self, keys: Collection[ScoreKey]) -> set[ScoreKey]:
        """See `Store.known_scores`."""
        return await self.call("known_scores", StoreUnavailableError, lambda: self.world.store.known_scores(keys))
