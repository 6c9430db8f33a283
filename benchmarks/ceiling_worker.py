"""The worker's ceiling: the same Faust app, with a stage that validates and does nothing else."""

from __future__ import annotations

import os
import time
from collections.abc import Collection, Mapping, Sequence
from pathlib import Path

from watchkeeper.schemas.topics import EVENTS, Topic
from watchkeeper.stream_processors.engine.decode import decode
from watchkeeper.stream_processors.engine.ports import Clock, Record, Store
from watchkeeper.stream_processors.engine.stage import Output, Stage, StateSize
from watchkeeper.stream_processors.settings import WorkerSettings
from watchkeeper.stream_processors.worker import main


class ValidateOnly:
    """Counts valid events, and says after each batch how many there were, and when."""

    def __init__(self, told: Path) -> None:
        self._count = 0
        self._told = told

    async def assign(self, partitions: Collection[int]) -> None:
        """See `Stage.assign`."""

    async def prepare(self, records: Sequence[Record]) -> int:
        """See `Stage.prepare`."""
        return sum(len(decode(record)[0]) for record in records)

    def judge(self, prepared: int) -> Output:
        """See `Stage.judge`."""
        self._count += prepared
        # Renamed into place: whoever reads it sees all of it.
        draft = self._told.with_suffix(".draft")
        draft.write_text(f"{self._count} {time.time()}")
        draft.replace(self._told)
        return Output("sessions")

    async def prepare_tick(self, until_us: Mapping[int, int]) -> None:
        """See `Stage.prepare_tick`."""

    def tick(self, until_us: Mapping[int, int]) -> Output | None:  # noqa: ARG002 - the protocol's shape
        """See `Stage.tick`."""
        return None

    def clock_was_set(self, ahead_us: int) -> None:
        """See `Stage.clock_was_set`."""

    def settled(self, output: Output) -> None:
        """See `Stage.settled`."""

    def size(self) -> StateSize:
        """See `Stage.size`."""
        return StateSize(0, 0)


def _stages(_: WorkerSettings, __: Store, ___: Clock) -> list[tuple[Topic, Stage]]:
    return [(EVENTS, ValidateOnly(Path(os.environ["CEILING_TOLD"])))]


if __name__ == "__main__":
    main(_stages)
