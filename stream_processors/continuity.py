"""Whether the records of a topic come without a hole; what the log lost before it was read is told.

A log forgets: after its retention, a record is gone whether it was read or not. Faust's consumer then goes on at the
oldest record that is left and says nothing. Here it is logged and counted, with the offsets.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Collection, Iterable, Mapping
from typing import Final

from watchkeeper.stream_processors.engine.checkpoint import persist
from watchkeeper.stream_processors.engine.ports import Clock, Record
from watchkeeper.stream_processors.watching.meters import Meters
from watchkeeper.stream_processors.wiring import Offsets

log = logging.getLogger(__name__)

_LOST: Final = "watchkeeper_records_expired_total"


class Continuity:
    """Follows what is read of one topic.

    A hole alone proves nothing: the marks of a producer's transactions take offsets too. What counts is that the log
    begins behind the record that was due.

    Args:
        topic: its name.
        meters: counts what was lost; None counts nowhere.
    """

    def __init__(self, topic: str, offsets: Offsets, clock: Clock, meters: Meters | None) -> None:
        self._topic, self._offsets, self._clock, self._meters = topic, offsets, clock, meters
        if meters is not None:
            # There from the start: whoever alerts on an increase would not see the first.
            meters.count(_LOST, 0, topic=topic)
        self._due: dict[int, int] = {}
        self._looked: set[int] = set()
        # A tick must not tell what a batch is about to tell.
        self._one_at_a_time = asyncio.Lock()

    def forget(self) -> None:
        """Starts anew: the partitions have changed hands."""
        self._due.clear()
        self._looked.clear()

    async def follow(self, records: Iterable[Record]) -> None:
        """Tells what is missing before these records, which are read now."""
        async with self._one_at_a_time:
            holes: list[tuple[int, int, int]] = []
            for record in records:
                due = self._due_on(record.partition)
                if due is not None and record.offset > due:
                    holes.append((record.partition, due, record.offset))
                self._due[record.partition] = record.offset + 1
            if holes:
                starts = await self._starts({partition for partition, _, _ in holes})
                for partition, due, found in holes:
                    start = starts.get(partition, 0)
                    self._tell(partition, due, min(found, start))
                    self._wonder(partition, max(due, start), found)

    async def look(self, partitions: Collection[int]) -> None:
        """Tells what is missing where nothing was read yet and perhaps nothing comes; asks once for each."""
        async with self._one_at_a_time:
            waiting: dict[int, int] = {}
            for partition in set(partitions) - self._looked - self._due.keys():
                due = self._offsets.began(partition)
                if due is not None:
                    waiting[partition] = due
            self._looked.update(partitions)
            starts = await self._starts(waiting.keys()) if waiting else {}
            for partition, due in waiting.items():
                start = starts.get(partition, 0)
                self._tell(partition, due, start)
                self._due[partition] = max(due, start)

    def _due_on(self, partition: int) -> int | None:
        due = self._due.get(partition)
        return self._offsets.began(partition) if due is None else due

    async def _starts(self, partitions: Collection[int]) -> Mapping[int, int]:
        return await persist(
            self._clock, f"{self._topic}: asking where its log begins", lambda: self._offsets.starts(partitions)
        )

    def _wonder(self, partition: int, due: int, found: int) -> None:
        # One is the mark at the end of a transaction: where producers use them, there is one behind each.
        if found - due > 1:
            log.warning(
                "%s: partition %s: offsets %s to %s did not come though the log reaches back to them: marks of aborted "
                "transactions, or records that were dropped between broker and worker; a consumer of the topic from "
                "offset %s shows which, and set back to it, the group reads them again",
                self._topic,
                partition,
                due,
                found - 1,
                due,
            )

    def _tell(self, partition: int, due: int, start: int) -> None:
        if start <= due:
            return
        if self._meters is not None:
            self._meters.count(_LOST, start - due, topic=self._topic)
        log.error(
            "%s: partition %s: %s records, offsets %s to %s, were gone from the log before they were read; raise the "
            "topic's retention.ms and retention.bytes, or run more workers",
            self._topic,
            partition,
            start - due,
            due,
            start - 1,
        )
