"""A worker with a planted bug: the id of a finding depends on the process that found it."""

from __future__ import annotations

import dataclasses
import os
from collections.abc import Sequence

import orjson
from chaos_worker import Chaos, FaultyBus, FaultyStore

from watchkeeper.schemas.topics import FINDINGS
from watchkeeper.stream_processors.engine.ports import Bus, Message, Store
from watchkeeper.stream_processors.worker import main


def renamed(body: bytes) -> bytes:
    """A finding under an id of this process."""
    document = orjson.loads(body)
    return orjson.dumps(document | {"finding_id": f"{document['finding_id']}-{os.getpid()}"})


class RenamingStore(FaultyStore):
    """Renames findings on their way to the table."""

    async def insert(self, table: str, rows: Sequence[bytes]) -> None:
        """See `Store`."""
        await super().insert(table, [renamed(row) for row in rows] if table == "findings" else rows)


class RenamingBus(FaultyBus):
    """Renames findings on their way to the bus."""

    async def publish(self, messages: Sequence[Message]) -> None:
        """See `Bus`."""
        await super().publish([
            dataclasses.replace(one, value=renamed(one.value)) if one.topic == FINDINGS.name else one
            for one in messages
        ])  # fmt: skip


class Renaming(Chaos):
    """See the module."""

    def store(self, store: Store) -> Store:
        """See `Wiring`."""
        return RenamingStore(store, self.striker)

    def bus(self, topic: str, bus: Bus) -> Bus:
        """See `Wiring`."""
        return RenamingBus(topic, bus, self.striker)


if __name__ == "__main__":
    main(wiring=Renaming())
