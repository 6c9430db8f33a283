"""Keeps outputs, in order: findings, signals and control; ClickHouse; state; offset.

Each step is acknowledged before the next begins, so a crash at any point repeats work and changes nothing. Two
outputs are kept at once, since the store's answer is what takes time. The second publishes after the first has
published, and its states and offsets wait for the first's: in each of these nothing overtakes. Only rows may.
"""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import TypeVar

from watchkeeper.schemas.errors import TransientError
from watchkeeper.schemas.rows import RejectReason
from watchkeeper.stream_processors.engine.observer import Observer, Unobserved
from watchkeeper.stream_processors.engine.ports import Bus, Clock, RowsRefusedError, Store
from watchkeeper.stream_processors.engine.rows import dead_letter_row
from watchkeeper.stream_processors.engine.stage import Counts, Origin, Output, dead_letter_message

log = logging.getLogger(__name__)

DEPTH = 2
"""Outputs kept at once. Measured: with two, waiting falls from 9.3 to 0.5 µs an event; a third adds nothing."""

_FIRST_PAUSE, _LONGEST_PAUSE = 0.1, 5.0
_COMPLAIN_EVERY = 12

T = TypeVar("T")


async def persist(clock: Clock, what: str, attempt: Callable[[], Awaitable[T]]) -> T:
    """Repeats an attempt in place until it succeeds: nothing is skipped because the other side is away.

    Raises:
        PermanentError: as the attempt raises it; repeating would not help.
    """
    pause, tries, said = _FIRST_PAUSE, 0, ""
    while True:
        try:
            return await attempt()
        except TransientError as error:
            # What is wrong may change: from a store that is not there to one that lacks its tables.
            if tries % _COMPLAIN_EVERY == 0 or str(error) != said:
                log.warning("%s: %s; trying again", what, error)
            tries, said = tries + 1, str(error)
            await clock.sleep(pause)
            pause = min(pause * 2, _LONGEST_PAUSE)


@dataclass(frozen=True, slots=True)
class _Keeping:
    """An output that is being kept: done once its messages are published, and once all of it is kept."""

    published: asyncio.Future[None]
    kept: asyncio.Task[None]


class Checkpointer:
    """Keeps outputs in the order in which they are submitted.

    Args:
        on_failure: called once with what can be neither kept nor set aside. The process must end then: whatever
            was not acknowledged is read again. Nothing is kept or acknowledged afterwards.
        counts: where rows that the store refuses are counted.
        observer: told of each step.
    """

    def __init__(
        self,
        bus: Bus,
        store: Store,
        clock: Clock,
        on_failure: Callable[[BaseException], None],
        *,
        counts: Counts | None = None,
        observer: Observer | None = None,
    ) -> None:
        self._bus = bus
        self._store = store
        self._clock = clock
        self._on_failure = on_failure
        self._counts = counts or Counts()
        self._observer = observer or Unobserved()
        self._failure: BaseException | None = None
        self._under_way: deque[_Keeping] = deque()

    async def submit(self, output: Output, on_kept: Callable[[], Awaitable[None]]) -> None:
        """Begins to keep an output as soon as fewer than `DEPTH` are under way; `on_kept` acknowledges it.

        Raises:
            BaseException: what was told to `on_failure`: an earlier output could not be kept.
        """
        await self.room()
        previous = self._under_way[-1] if self._under_way else None
        published = asyncio.get_running_loop().create_future()
        kept = asyncio.create_task(self._keep(output, previous, published, on_kept))
        self._under_way.append(_Keeping(published, kept))

    async def room(self) -> None:
        """Returns when fewer than `DEPTH` outputs are under way.

        Raises:
            BaseException: what was told to `on_failure`.
        """
        while len(self._under_way) >= DEPTH:
            await asyncio.wait([self._under_way[0].kept])
            self._reap()
        if self._failure is not None:
            raise self._failure

    async def drain(self) -> None:
        """Returns when nothing is under way.

        Raises:
            BaseException: what was told to `on_failure`.
        """
        while self._under_way:
            await asyncio.wait([keeping.kept for keeping in self._under_way])
            self._reap()
        if self._failure is not None:
            raise self._failure

    def _reap(self) -> None:
        while self._under_way and self._under_way[0].kept.done():
            self._under_way.popleft()

    async def _keep(
        self,
        output: Output,
        previous: _Keeping | None,
        published: asyncio.Future[None],
        on_kept: Callable[[], Awaitable[None]],
    ) -> None:
        try:
            await self._steps(output, previous, published, on_kept)
        except asyncio.CancelledError:
            raise
        except BaseException as error:  # noqa: BLE001 - whatever it is, nothing after it may be acknowledged
            if self._failure is None:
                self._failure = error
                self._on_failure(error)
        finally:
            published.cancel()

    async def _steps(
        self,
        output: Output,
        previous: _Keeping | None,
        published: asyncio.Future[None],
        on_kept: Callable[[], Awaitable[None]],
    ) -> None:
        if previous is not None and not await self._went_well(previous.published):
            return
        if output.messages:
            with self._observer.step("publish"):
                await persist(self._clock, "publishing", lambda: self._bus.publish(output.messages))
        published.set_result(None)
        self._observer.published(output)
        if output.rows:
            with self._observer.step("rows"):
                await self._insert_all(output)
        self._observer.stored(output)
        if previous is not None and not await self._went_well(previous.kept):
            return
        if output.states:
            with self._observer.step("state"):
                await self._insert(output.state_table, output.states)
        await on_kept()

    async def _went_well(self, earlier: asyncio.Future[None]) -> bool:
        await asyncio.wait([earlier])
        return self._failure is None and not earlier.cancelled()

    async def _insert_all(self, output: Output) -> None:
        try:
            async with asyncio.TaskGroup() as inserts:
                for group, rows in output.rows.items():
                    inserts.create_task(self._insert_group(group[0], rows, output.origins.get(group)))
        except BaseExceptionGroup as errors:
            raise errors.exceptions[0] from errors

    async def _insert_group(self, table: str, rows: Sequence[bytes], origins: Sequence[Origin] | None) -> None:
        try:
            await self._insert(table, rows)
        except RowsRefusedError as refusal:
            if origins is None:
                raise
            await self._set_aside(table, rows, origins, refusal)

    async def _set_aside(
        self, table: str, rows: Sequence[bytes], origins: Sequence[Origin], refusal: RowsRefusedError
    ) -> None:
        """Halves refused rows until the guilty ones stand alone; those become dead letters."""
        if len(rows) > 1:
            middle = len(rows) // 2
            await self._insert_group(table, rows[:middle], origins[:middle])
            await self._insert_group(table, rows[middle:], origins[middle:])
            return
        origin, detail = origins[0], str(refusal)
        reason: RejectReason = "store_refused"
        message = dead_letter_message(origin.record, reason, detail, origin.raw, origin.line)
        await persist(self._clock, "publishing", lambda: self._bus.publish([message]))
        row = dead_letter_row(origin.record, reason, detail, origin.raw, origin.line)
        await self._insert("dead_letters", [row])
        self._counts.reject(reason)
        place = {"topic": origin.record.topic, "partition": origin.record.partition, "offset": origin.record.offset}
        log.warning("the store refused a row of %s: its line is a dead letter now", table, extra=place)

    async def _insert(self, table: str, rows: Sequence[bytes]) -> None:
        await persist(self._clock, f"inserting into {table}", lambda: self._store.insert(table, rows))
