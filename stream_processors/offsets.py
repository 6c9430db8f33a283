"""Where a topic's partitions stand, as Faust's consumer knows it, and the commits that Faust must not make itself.

Faust commits what its streams acknowledge. Its arithmetic passes over a gap of one, and its pure Python stream
acknowledges what it skips in a rebalance: either commits events that nobody has processed. So the topics of stages
have acknowledgement off, and the runner commits what was kept.

This module is all that reaches into Faust below its documented face; `tests/stream_processors/test_offsets.py` holds
it to a real broker.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

import faust
from aiokafka import TopicPartition  # type: ignore[import-untyped] # it ships no types
from faust.types import TP

from watchkeeper.stream_processors.engine.ports import Horizon

FETCH_WAIT_MS = 100

Assignment = tuple[int, frozenset[int]]
"""The generation of the consumer group, and the partitions in hand."""


class TopicOffsets:
    """One topic, as the app's consumer reads it."""

    def __init__(self, app: faust.App, topic: str) -> None:
        self._app = app
        self._topic = topic
        self._polls: dict[int, tuple[int | None, int]] = {}

    def assignment(self) -> Assignment:
        """What the group has given this worker."""
        partitions = frozenset(tp.partition for tp in self._app.consumer.assignment() if tp.topic == self._topic)
        # Both: the first generation of a group may have the number that stands before there is one.
        return self._app.consumer_generation_id, partitions

    @property
    def _consumer(self) -> Any:
        # Made anew when the app starts; what is used of it is not part of its type.
        return self._app.consumer

    def hasten(self) -> None:
        """Has the broker answer within `FETCH_WAIT_MS` though there is nothing new.

        Faust asks it to wait for 1.5 s, and has no setting for that. Apache Kafka answers as soon as there is
        something; the embedded broker waits to the end, and a finding with it.
        """
        consumer = self._consumer._thread._ensure_consumer()  # noqa: SLF001 - see above
        consumer._fetcher._fetch_max_wait_ms = FETCH_WAIT_MS  # noqa: SLF001 - see above

    def forget(self) -> None:
        """Starts anew: the partitions have changed hands."""
        self._polls.clear()

    def horizons(self, partitions: Collection[int]) -> dict[int, Horizon]:
        """How far the log of each partition reached, as its last answer told; to be asked again and again.

        The moment is that of the answer *before*: only then was the request sent on which the last answer rests. A
        process that was stopped, and finds an old answer when it goes on, is not misled.
        """
        consumer = self._consumer._thread._ensure_consumer()  # noqa: SLF001 - see above
        found: dict[int, Horizon] = {}
        for partition in partitions:
            tp = TopicPartition(self._topic, partition)
            if tp not in consumer.assignment():
                continue
            polled_ms = consumer.last_poll_timestamp(tp)
            if polled_ms is None:
                continue
            before_ms, last_ms = self._polls.get(partition, (None, polled_ms))
            if last_ms != polled_ms:
                before_ms = last_ms
            self._polls[partition] = before_ms, polled_ms
            end = consumer.highwater(tp)
            if before_ms is not None and end is not None:
                found[partition] = Horizon(self._start(partition, end), end, before_ms * 1000)
        return found

    async def commit(self, offsets: Mapping[int, int]) -> bool:
        """Commits the offsets from which the partitions are to be read next.

        While the broker is away this waits.

        Returns:
            Whether it did: not where the group has given the partitions to another worker.
        """
        positions = {TP(self._topic, partition): offset for partition, offset in offsets.items()}
        done: bool = await self._consumer._commit(positions)  # noqa: SLF001 - see above
        return done

    def _start(self, partition: int, end: int) -> int | None:
        read: int | None = self._consumer._read_offset.get(TP(self._topic, partition))  # noqa: SLF001 - see above
        return 0 if read is None and end == 0 else read
