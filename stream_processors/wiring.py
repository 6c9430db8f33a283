"""What stands between the engine and its ports: nothing, unless whoever starts a worker puts something there.

Chaos runs start a worker with a wiring of their own that fails at chosen moments. So the code that runs in production
holds no switch for faults.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Protocol

from watchkeeper.schemas.topics import TOPICS, Topic
from watchkeeper.stream_processors.engine.engine import Acknowledge
from watchkeeper.stream_processors.engine.ports import Bus, Clock, Horizon, Store
from watchkeeper.stream_processors.offsets import Assignment


class Offsets(Protocol):
    """One topic's places and commits, as the runner uses them; see `offsets.TopicOffsets`."""

    def assignment(self) -> Assignment:
        """The generation of the group, and the partitions in hand."""

    def hasten(self) -> None:
        """Has the broker answer soon."""

    def forget(self) -> None:
        """Starts anew: the partitions have changed hands."""

    def horizons(self, partitions: Collection[int]) -> dict[int, Horizon]:
        """How far the log of each partition reached."""

    def began(self, partition: int) -> int | None:
        """The offset from which a partition in hand is read; None where the group has none."""

    async def starts(self, partitions: Collection[int]) -> Mapping[int, int]:
        """Where the logs of partitions begin."""

    async def commit(self, offsets: Mapping[int, int], generation: int) -> bool:
        """Commits what was read in a generation of the group; answers whether it did."""


class Wiring:
    """Each method is handed a part and answers with what is used in its place: here, the part itself.

    Attributes:
        topics: what the worker waits for before it starts.
    """

    topics: Sequence[Topic] = TOPICS

    def store(self, store: Store) -> Store:
        """The store, which all stages share."""
        return store

    def clock(self, clock: Clock) -> Clock:
        """The clock, which all stages share."""
        return clock

    def bus(self, topic: str, bus: Bus) -> Bus:  # noqa: ARG002 - overridden
        """The bus of the stage that reads `topic`."""
        return bus

    def offsets(self, topic: str, offsets: Offsets) -> Offsets:  # noqa: ARG002 - overridden
        """Places and commits of the stage that reads `topic`."""
        return offsets

    def noting(self, topic: str, note: Acknowledge) -> Acknowledge:  # noqa: ARG002 - overridden
        """Takes note of what is kept, until the next commit, for the stage that reads `topic`."""
        return note
