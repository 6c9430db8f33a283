"""Reads `agent.grants` into the book by which stage 2 judges delegations.

One consumer for each worker, assigned and without a group: every worker knows every grant. It reads from the oldest
record on, and goes on as long as the worker runs. The book changes in the event loop only, so never within a batch.

A finding must not hang on which of two topics happened to be read first. So stage 2 asks before it judges signals
that grants matter to (`KafkaGrants.catch_up`): then all that was published before the signals arrived is in the book.
What was published later may be in it too, and is at a replay; grants tell from when they hold, so that mostly changes
nothing (`docs/grants.md` says where it does).
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Final, TypeVar, cast

from confluent_kafka import OFFSET_BEGINNING, Consumer, KafkaError, KafkaException, Message, TopicPartition

from watchkeeper.schemas.errors import BusUnavailableError, RejectedError
from watchkeeper.schemas.rows import RejectReason
from watchkeeper.schemas.topics import GRANTS
from watchkeeper.stream_processors.detection.grant_book import GrantBook
from watchkeeper.stream_processors.engine.ports import Record, RefusedRecord
from watchkeeper.stream_processors.watching.meters import Meters

log = logging.getLogger(__name__)

POLL_SECONDS: Final = 0.2
"""How often it is looked whether there is something new while nobody asks."""
CATCH_UP_SECONDS: Final = 10.0
ASK_SECONDS: Final = 5.0
RETRY_SECONDS: Final = 0.5
AT_ONCE: Final = 500
"""Records taken in together: some 10 ms of the event loop."""
MAX_REFUSED: Final = 1000
"""Records that wait to be told as dead letters; of more, the first. All are counted."""

T = TypeVar("T")


class _LogChangedError(Exception):
    """The broker forgot everything: its log begins anew."""


class KafkaGrants:
    """See `watchkeeper.stream_processors.engine.ports.GrantSource`.

    Args:
        bootstrap: `host:port[,host:port…]`.
        book: what is read goes here.
        meters: told what the book holds and what was refused; None tells nobody.
    """

    def __init__(self, bootstrap: str, book: GrantBook, meters: Meters | None = None) -> None:
        self.book = book
        self._bootstrap = bootstrap
        self._meters = meters
        # The consumer blocks, and takes calls from one thread at a time.
        self._pool = ThreadPoolExecutor(1, thread_name_prefix="grants")
        self._waiting: list[asyncio.Future[None]] = []
        self._asked = asyncio.Event()
        self._refused: list[RefusedRecord] = []
        self._log_id = ""
        self._reached = 0

    async def catch_up(self) -> None:
        """See `GrantSource.catch_up`."""
        asked = asyncio.get_running_loop().create_future()
        self._waiting.append(asked)
        self._asked.set()
        try:
            async with asyncio.timeout(CATCH_UP_SECONDS):
                await asked
        except TimeoutError:
            raise BusUnavailableError(
                f"{GRANTS.name} at {self._bootstrap} could not be read to its end in {CATCH_UP_SECONDS:.0f} s; "
                "delegations are judged when it is"
            ) from None

    def refused(self) -> list[RefusedRecord]:
        """See `GrantSource.refused`."""
        taken, self._refused = self._refused, []
        return taken

    async def run(self) -> None:
        """Reads until it is cancelled; a broker that is away is waited for."""
        said = ""
        try:
            while True:
                try:
                    await self._follow()
                except _LogChangedError:
                    log.warning("%s begins anew: the broker has forgotten what it held", GRANTS.name)
                    self._reached = 0
                    self.book.clear()
                except KafkaException as error:
                    if str(error) != said:
                        log.warning("reading %s: %s; trying again", GRANTS.name, error)
                    said = str(error)
                    await asyncio.sleep(RETRY_SECONDS)
        finally:
            self._pool.shutdown(wait=False, cancel_futures=True)

    async def _follow(self) -> None:
        """Reads by one consumer until that fails."""
        consumer = await self._in_thread(self._open)
        asker = await self._in_thread(self._client)
        try:
            while True:
                if self._take_all(await self._in_thread(lambda: _read(consumer, 0))):
                    continue
                if self._waiting:
                    await self._answer(consumer, asker)
                    continue
                self._asked.clear()
                try:
                    async with asyncio.timeout(POLL_SECONDS):
                        await self._asked.wait()
                except TimeoutError:
                    pass
        finally:
            # The thread serves one after the other: they are closed when nothing uses them any more.
            self._pool.submit(consumer.close)
            self._pool.submit(asker.close)

    async def _answer(self, consumer: Consumer, asker: Consumer) -> None:
        """Reads to the end that the log has now, and tells those who asked before."""
        waiting, self._waiting = self._waiting, []
        try:
            log_id, end = await self._in_thread(lambda: _end(asker))
            self._follow_log(log_id)
            while self._reached < end and not all(asked.done() for asked in waiting):
                self._take_all(await self._in_thread(lambda: _read(consumer, POLL_SECONDS)))
            # Where a broker understates the end, what it sent with the last record is still to be taken.
            while self._take_all(await self._in_thread(lambda: _read(consumer, 0))):
                pass
        except BaseException:
            self._waiting[:0] = waiting
            raise
        for asked in waiting:
            if not asked.done():
                asked.set_result(None)

    def _follow_log(self, log_id: str) -> None:
        before, self._log_id = self._log_id, log_id
        if before not in {"", log_id}:
            raise _LogChangedError

    def _take_all(self, messages: list[Message]) -> bool:
        """Takes records in; whether there were any."""
        for message in messages:
            error = message.error()
            if error is None:
                self._take(message)
                self._reached = _offset(message) + 1
            elif error.code() == KafkaError._PARTITION_EOF:  # noqa: SLF001 - its public name for it
                self._reached = max(self._reached, _offset(message))
            else:
                raise KafkaException(error)
        if messages and self._meters is not None:
            self._meters.set("watchkeeper_grants", len(self.book))
        return bool(messages)

    def _take(self, message: Message) -> None:
        key, value = message.key(), message.value()
        try:
            self.book.take(key, value)
        except RejectedError as error:
            reason = cast("RejectReason", error.reason)
            record = Record(
                topic=GRANTS.name,
                partition=message.partition() or 0,
                offset=_offset(message),
                key=key,
                value=value or b"",
                timestamp_ms=max(0, message.timestamp()[1]),
                log=self._log_id,
            )
            log.warning("a record of %s is refused: %s", GRANTS.name, error, extra={"offset": record.offset})
            if len(self._refused) < MAX_REFUSED:
                self._refused.append(RefusedRecord(record, reason, error.detail))
            if self._meters is not None:
                self._meters.count("watchkeeper_dead_letters_total", topic=GRANTS.name, reason=reason)

    def _open(self) -> Consumer:
        consumer = self._client()
        consumer.assign([TopicPartition(GRANTS.name, 0, self._reached or OFFSET_BEGINNING)])
        return consumer

    def _client(self) -> Consumer:
        """A consumer of nothing yet. Questions have one of their own: behind a fetch that waits they would wait too."""
        return Consumer(
            {
                "bootstrap.servers": self._bootstrap,
                "client.id": "watchkeeper-worker-grants",
                # The client asks for a name; nothing is ever committed under it.
                "group.id": "watchkeeper-grants",
                "enable.auto.commit": False,
                "auto.offset.reset": "earliest",
                "enable.partition.eof": True,
                "fetch.wait.max.ms": 100,
                # It complains of every attempt to connect; what is asked of it fails, and that is told.
                "log_level": 2,
            }
        )

    async def _in_thread(self, call: Callable[[], T]) -> T:
        return await asyncio.get_running_loop().run_in_executor(self._pool, call)


def _read(consumer: Consumer, seconds: float) -> list[Message]:
    """What there is; waits at most so long for a first record."""
    first = consumer.poll(seconds)
    return [] if first is None else [first, *consumer.consume(AT_ONCE, 0)]


def _end(asker: Consumer) -> tuple[str, int]:
    """The broker's log, and the offset after its last record."""
    log_id = asker.list_topics(GRANTS.name, timeout=ASK_SECONDS).cluster_id or ""
    marks = asker.get_watermark_offsets(TopicPartition(GRANTS.name, 0), timeout=ASK_SECONDS, cached=False)
    if marks is None:
        raise KafkaException(KafkaError(KafkaError._TIMED_OUT, "the broker does not tell where the topic ends"))  # noqa: SLF001 - its public name for it
    return log_id, marks[1]


def _offset(message: Message) -> int:
    offset = message.offset()
    return -1 if offset is None else offset
