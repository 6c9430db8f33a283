"""Faust's consumer, handing over what was fetched from a partition at once.

Faust leads every record by itself through its consumer, its conductor and its stream: some 100 µs of the event loop
each, whatever is in it. Here one of its messages stands for all records that one fetch brought from one partition. So
Faust goes on to do what it is there for (the group, rebalances, positions, flow control, starting and stopping) and
a record costs what is done with it.

What is said in `offsets` of reaching below Faust's documented face holds here too, and the same test watches over it.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from faust.transport.drivers.aiokafka import Consumer, Transport
from faust.types import TP
from faust.types.tuples import ConsumerMessage

CROWDED_SECONDS = 0.02
"""Where a topic's reader has enough for now, it is asked again so soon whether it still has."""

IsCrowded = Callable[[str], bool]
"""Whether the reader of a topic has enough to do for now."""


class Bundle(ConsumerMessage):
    """Records of one partition, in their order, as one message of Faust's: its offset is that of the last.

    Attributes:
        records: as aiokafka's consumer gave them.
    """

    __slots__ = ("records",)

    def __init__(self, tp: TP, records: Sequence[Any], generation_id: int) -> None:
        last = records[-1]
        super().__init__(
            tp.topic,
            tp.partition,
            last.offset,
            (last.timestamp or 0) / 1000,
            last.timestamp_type,
            None,
            None,
            b"",
            None,
            0,
            0,
            tp,
            generation_id=generation_id,
        )
        self.records = records


class BundlingConsumer(Consumer):
    """Faust's consumer, with a `Bundle` in place of many messages; it leaves alone what nobody has room for.

    Attributes:
        is_crowded: asked before each fetch; by default nobody ever is.
    """

    is_crowded: IsCrowded = staticmethod(lambda _: False)

    async def _getmany(self, active_partitions: set[TP] | None, timeout: float) -> Mapping[TP, list[Any]]:  # noqa: ASYNC109 - as Faust calls it
        wanted = {tp for tp in active_partitions or () if not self.is_crowded(tp.topic)}
        if active_partitions and len(wanted) < len(active_partitions):
            timeout = CROWDED_SECONDS
            # An empty set stands for all partitions.
            if not wanted:
                await asyncio.sleep(timeout)
                return {}
        fetched = await super()._getmany(wanted or active_partitions, timeout)
        return {tp: [records] for tp, records in (fetched or {}).items() if records}

    async def seek_to_committed(self) -> Mapping[TP, int]:
        """Goes back to what is committed, and to the beginning where nothing is.

        Faust drops what it fetched while the group was shared out anew, and goes back before it reads on. aiokafka
        stays where it is on a partition of which nothing was committed yet: what was dropped there would never be
        read, and the first commit behind it would make that final.
        """
        committed = await super().seek_to_committed()
        unread = [tp for tp, offset in committed.items() if not offset]
        if unread:
            await self._thread.seek_wait(await self._thread.earliest_offsets(*unread))
        return committed

    def _to_message(self, tp: TP, record: Any) -> Bundle:
        return Bundle(tp, record, self.app.consumer_generation_id)


def bundling_transport(app: Any, is_crowded: IsCrowded) -> Transport:
    """The transport of an app that reads bundles."""

    class Crowding(BundlingConsumer):
        pass

    Crowding.is_crowded = staticmethod(is_crowded)

    class Bundling(Transport):
        Consumer = Crowding

    return Bundling(app.conf.broker_consumer, app)
