"""A worker with a planted bug: some rows of events it never stores, and acknowledges them, as if they were."""

from __future__ import annotations

from collections.abc import Sequence

from chaos_worker import Chaos, FaultyStore

from watchkeeper.stream_processors.engine.ports import Store
from watchkeeper.stream_processors.worker import main


class LossyStore(FaultyStore):
    """Forgets the last row of each insert of events, and answers all the same."""

    async def insert(self, table: str, rows: Sequence[bytes]) -> None:
        """See `Store`."""
        kept = rows[:-1] if table == "events" else rows
        if kept:
            await super().insert(table, kept)


class Lossy(Chaos):
    """See the module."""

    def store(self, store: Store) -> Store:
        """See `Wiring`."""
        return LossyStore(store, self.striker)


if __name__ == "__main__":
    main(wiring=Lossy())
