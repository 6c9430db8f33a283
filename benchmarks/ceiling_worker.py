"""The worker's ceiling: the same Faust app, with a stage that validates and does nothing else."""

from __future__ import annotations

import os
import time
from collections.abc import Collection, Sequence
from pathlib import Path

from watchkeeper.schemas.topics import EVENTS, Topic
from watchkeeper.stream_processors.engine.decode import decode
from watchkeeper.stream_processors.engine.ports import Clock, Record, Store
from watchkeeper.stream_processors.engine.stage import Output, Stage
from watchkeeper.stream_processors.settings import WorkerSettings
from watchkeeper.stream_processors.worker import main


class ValidateOnly:
    """Counts valid events, and says when there were as many as expected."""

    def __init__(self, expected: int, told: Path) -> None:
        self._left = expected
        self._told = told

    async def assign(self, partitions: Collection[int]) -> None:
        """See `Stage.assign`."""

    async def prepare(self, records: Sequence[Record]) -> int:
        """See `Stage.prepare`."""
        return sum(len(decode(record)[0]) for record in records)

    def judge(self, prepared: int) -> Output:
        """See `Stage.judge`."""
        self._left -= prepared
        if self._left <= 0:
            self._told.write_text(str(time.time()))
        return Output("sessions")

    def tick(self) -> Output | None:
        """See `Stage.tick`."""
        return None

    def settled(self, output: Output) -> None:
        """See `Stage.settled`."""


def _stages(_: WorkerSettings, __: Store, ___: Clock) -> list[tuple[Topic, Stage]]:
    expected, told = int(os.environ["CEILING_EVENTS"]), Path(os.environ["CEILING_TOLD"])
    return [(EVENTS, ValidateOnly(expected, told))]


if __name__ == "__main__":
    main(_stages)
