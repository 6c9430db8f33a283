"""Bus and store with a look at how long they take and whether they answer."""

from __future__ import annotations

import time
from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager

from watchkeeper.schemas.errors import TransientError
from watchkeeper.stream_processors.engine.ports import (
    Bus,
    ContentKey,
    EventKey,
    Message,
    ScoreKey,
    StateKey,
    Store,
    StoredDigest,
    StoredPart,
    StoredState,
)
from watchkeeper.stream_processors.watching.liveness import Liveness
from watchkeeper.stream_processors.watching.meters import Meters


@contextmanager
def _side(liveness: Liveness, side: str) -> Iterator[None]:
    ok = True
    liveness.begin(side)
    try:
        yield
    except TransientError:
        ok = False
        raise
    finally:
        liveness.end(side, ok=ok)


class WatchedStore:
    """See `watchkeeper.stream_processors.engine.ports.Store`."""

    def __init__(self, store: Store, meters: Meters, liveness: Liveness) -> None:
        self._store, self._meters, self._liveness = store, meters, liveness

    async def insert(self, table: str, rows: Sequence[bytes]) -> None:
        """See `Store.insert`."""
        began = time.perf_counter()
        try:
            with _side(self._liveness, "store"):
                await self._store.insert(table, rows)
        except Exception as error:
            self._meters.count("watchkeeper_store_errors_total", table=table, error=type(error).__name__)
            raise
        self._meters.observe("watchkeeper_store_seconds", time.perf_counter() - began, table=table)
        self._meters.count("watchkeeper_store_rows_total", len(rows), table=table)
        self._meters.count("watchkeeper_store_bytes_total", sum(map(len, rows)), table=table)

    async def open_states(self, table: str, partitions: Collection[int], most: int) -> list[StoredState]:
        """See `Store.open_states`."""
        with _side(self._liveness, "store"):
            return await self._store.open_states(table, partitions, most)

    async def states(self, table: str, keys: Collection[StateKey]) -> list[StoredState]:
        """See `Store.states`."""
        with _side(self._liveness, "store"):
            return await self._store.states(table, keys)

    async def digests(self, keys: Collection[EventKey]) -> dict[EventKey, list[StoredDigest]]:
        """See `Store.digests`."""
        with _side(self._liveness, "store"):
            return await self._store.digests(keys)

    async def contents(self, keys: Collection[ContentKey], most_parts: int) -> list[StoredPart]:
        """See `Store.contents`."""
        with _side(self._liveness, "store"):
            return await self._store.contents(keys, most_parts)

    async def known_scores(self, keys: Collection[ScoreKey]) -> set[ScoreKey]:
        """See `Store.known_scores`."""
        with _side(self._liveness, "store"):
            return await self._store.known_scores(keys)


class WatchedBus:
    """See `watchkeeper.stream_processors.engine.ports.Bus`."""

    def __init__(self, bus: Bus, topic: str, meters: Meters, liveness: Liveness) -> None:
        self._bus, self._topic, self._meters, self._liveness = bus, topic, meters, liveness

    async def publish(self, messages: Sequence[Message]) -> None:
        """See `Bus.publish`."""
        began = time.perf_counter()
        try:
            with _side(self._liveness, "broker"):
                await self._bus.publish(messages)
        except Exception as error:
            self._meters.count("watchkeeper_publish_errors_total", topic=self._topic, error=type(error).__name__)
            raise
        self._meters.observe("watchkeeper_publish_seconds", time.perf_counter() - began, topic=self._topic)

    async def log_id(self) -> str:
        """See `Bus.log_id`."""
        with _side(self._liveness, "broker"):
            found = await self._bus.log_id()
        self._liveness.broker_answered()
        return found
