"""Where a topic's partitions stand, as Faust's consumer knows it, and the commits that Faust must not make itself.

Faust commits what its streams acknowledge. Its arithmetic passes over a gap of one, and its pure Python stream
acknowledges what it skips in a rebalance: either commits events that nobody has processed. So the topics of stages
have acknowledgement off, and the runner commits what was kept.

This module is all that reaches into Faust below its documented face; `tests/stream_processors/test_offsets.py` holds
it to a real broker.
"""

from __future__ import annotations

import asyncio
from collections.abc import Collection, Mapping
from typing import Any

import faust
from aiokafka import TopicPartition  # type: ignore[import-untyped] # it ships no types
from aiokafka.errors import (  # type: ignore[import-untyped] # it ships no types
    IllegalGenerationError,
    KafkaError,
    RebalanceInProgressError,
    UnknownMemberIdError,
)
from aiokafka.structs import OffsetAndMetadata  # type: ignore[import-untyped] # it ships no types
from faust.types import TP

from watchkeeper.schemas.errors import BusUnavailableError
from watchkeeper.stream_processors.engine.ports import Horizon

FETCH_WAIT_MS = 100
COMMIT_PAUSE_SECONDS = 0.1
"""Before a commit that found no broker is tried again."""

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
        consumer = self._consumer._thread._ensure_consumer()  # noqa: SLF001 - Faust tells it nowhere else
        consumer._fetcher._fetch_max_wait_ms = FETCH_WAIT_MS  # noqa: SLF001 - Faust tells it nowhere else

    def forget(self) -> None:
        """Starts anew: the partitions have changed hands."""
        self._polls.clear()

    def horizons(self, partitions: Collection[int]) -> dict[int, Horizon]:
        """How far the log of each partition reached, as its last answer told; to be asked again and again.

        The moment is that of the answer *before*: only then was the request sent on which the last answer rests. A
        process that was stopped, and finds an old answer when it goes on, is not misled.
        """
        consumer = self._consumer._thread._ensure_consumer()  # noqa: SLF001 - Faust tells it nowhere else
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

    def began(self, partition: int) -> int | None:
        """What the group had committed when the partition was given to this worker; None where it had nothing."""
        offset: int | None = self._consumer._committed_offset.get(TP(self._topic, partition))  # noqa: SLF001 - Faust tells it nowhere else
        return offset if offset is not None and offset > 0 else None

    async def starts(self, partitions: Collection[int]) -> dict[int, int]:
        """The offsets of the oldest records that the log still holds, or of the next where it is empty.

        Raises:
            BusUnavailableError: the broker does not answer.
        """
        asked = (TP(self._topic, partition) for partition in partitions)
        try:
            found: Mapping[TP, int] = await self._consumer.earliest_offsets(*asked)
        except KafkaError as error:
            raise BusUnavailableError(f"Kafka does not tell where {self._topic} begins: {error!r}") from error
        return {tp.partition: offset for tp, offset in found.items()}

    async def commit(self, offsets: Mapping[int, int], generation: int) -> bool:
        """Commits the offsets from which the partitions are to be read next.

        While the broker is away this waits.

        Args:
            offsets: of partitions.
            generation: of the group, in which they were read.

        Returns:
            Whether it did: not in another generation, and not where the group has given all of them to another
            worker. Those of several that it has given away are left out.

        Raises:
            KafkaError: the broker refuses it for good: the group may not commit.
        """
        positions = {
            TopicPartition(self._topic, partition): OffsetAndMetadata(at, "") for partition, at in offsets.items()
        }
        thread = self._consumer._thread  # noqa: SLF001 - Faust tells it nowhere else
        done: bool = await thread.call_thread(_commit_in, thread._ensure_consumer(), positions, generation)  # noqa: SLF001 - Faust tells it nowhere else
        return done

    def _start(self, partition: int, end: int) -> int | None:
        read: int | None = self._consumer._read_offset.get(TP(self._topic, partition))  # noqa: SLF001 - Faust tells it nowhere else
        return 0 if read is None and end == 0 else read


async def _commit_in(consumer: Any, positions: Mapping[TopicPartition, OffsetAndMetadata], generation: int) -> bool:
    """Commits in aiokafka's thread, in one generation of the group or not at all.

    aiokafka's own commit waits while the group is shared out anew, and then goes out in the name of the *new*
    generation: a worker that had hung would set back what its successor has committed, of partitions that are no
    longer its own, and the broker could not know.
    """
    coordinator = consumer._coordinator  # noqa: SLF001 - aiokafka's own commit knows no generation

    async def send() -> bool:
        # Nothing awaits between these questions and the request, which holds the generation: the broker does the rest.
        held = {tp: position for tp, position in positions.items() if tp in consumer.assignment()}
        if not held or coordinator.generation != generation:
            return False
        await coordinator._do_commit_offsets(None, held)  # noqa: SLF001 - see above
        return True

    while True:
        await coordinator.ensure_coordinator_known()
        try:
            async with coordinator._commit_lock:  # noqa: SLF001 - see above
                # An answer that is under way is read to its end: who gives up waiting must not spoil it.
                return await asyncio.shield(send())
        except (UnknownMemberIdError, IllegalGenerationError, RebalanceInProgressError):
            return False
        except KafkaError as error:
            if not error.retriable:
                raise
            await asyncio.sleep(COMMIT_PAUSE_SECONDS)
