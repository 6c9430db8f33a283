"""The world in memory: a clock that moves when told, a bus and a store that fail, dawdle and crash on command.

They keep to the ports' contracts as the real ones do; `tests/stream_processors/engine/test_contract.py` runs the same
tests on both. With them the whole of delivery runs in a simulation: they outlive an engine, so a worker that crashed
is one engine that is thrown away, and its successor a new one on the same bus and store.

Example:
    >>> import asyncio
    >>> from watchkeeper.stream_processors.engine.ports import Message
    >>> bus = MemoryBus(MemoryClock(), trouble=Script({"publish": [Trouble.LOSE_ANSWER]}))
    >>> async def twice() -> None:
    ...     for _ in range(2):
    ...         try:
    ...             await bus.publish([Message("agent.findings", b"k", b"v")])
    ...         except BusUnavailableError:
    ...             pass
    >>> asyncio.run(twice())
    >>> len(bus.messages("agent.findings"))
    2
"""

from __future__ import annotations

import asyncio
import heapq
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import Enum
from itertools import count

from watchkeeper.schemas.errors import BusUnavailableError, PermanentError, TransientError
from watchkeeper.schemas.topics import PARTITIONS, TOPICS
from watchkeeper.schemas.wire import CANONICAL, WRITER_HEADER
from watchkeeper.stream_processors.engine.ports import Horizon, Message, Record


class Trouble(Enum):
    """What goes wrong with one call."""

    REFUSE = "refuse"
    """Nothing is done, and the caller is told to try again."""
    LOSE_ANSWER = "lose_answer"
    """Everything is done, and the caller is told to try again."""
    HALF = "half"
    """The first half of what is written is, and the caller is told to try again; to a question as `REFUSE`."""
    NEVER = "never"
    """Nothing is done, and the caller is told that it never will be."""
    CRASH = "crash"
    """The worker ends before anything is done."""
    CRASH_AFTER = "crash_after"
    """The worker ends when everything is done."""


class Crash(BaseException):
    """The worker ended here: nothing after it happens. The simulation starts another one."""


Plan = Callable[[str], Trouble | float | None]
"""Asked before each call, by its name: what goes wrong with it, or how many seconds it takes. Names are `publish`,
`insert <table>`, `open_states <table>`, `states <table>`, `digests`, `contents` and `known_scores`."""


def _smoothly(_: str) -> None:
    """Nothing goes wrong."""


class Script:
    """A plan written out: for each call's name what happens the first time, the second, and so on; then nothing."""

    def __init__(self, acts: Mapping[str, Iterable[Trouble | float | None]]) -> None:
        self._acts = {name: iter(listed) for name, listed in acts.items()}
        self.calls: list[str] = []

    def __call__(self, name: str) -> Trouble | float | None:
        """See `Plan`."""
        self.calls.append(name)
        return next(self._acts.get(name, iter(())), None)


class MemoryClock:
    """A clock that moves when it is told to (`advance`).

    Args:
        restless: it also moves by itself, to the moment at which the next sleeper wakes, when nothing else happens.
    """

    def __init__(self, now_us: int = 1_767_225_600_000_000, *, restless: bool = False) -> None:
        self._now_us = self._elapsed_us = now_us
        self._restless = restless
        self._order = count()
        self._sleepers: list[tuple[int, int, asyncio.Future[None]]] = []
        self._mover: asyncio.Task[None] | None = None

    def now_us(self) -> int:
        """See `Clock.now_us`."""
        return self._now_us

    def elapsed_us(self) -> int:
        """See `Clock.elapsed_us`."""
        return self._elapsed_us

    def set(self, ahead_seconds: float) -> None:
        """Sets the clock: nothing passes, and nobody wakes."""
        self._now_us += round(ahead_seconds * 1e6)

    async def sleep(self, seconds: float) -> None:
        """See `Clock.sleep`."""
        woken: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        heapq.heappush(self._sleepers, (self._elapsed_us + round(seconds * 1e6), next(self._order), woken))
        if self._restless and (self._mover is None or self._mover.done()):
            self._mover = asyncio.create_task(self._move())
        await woken

    def advance(self, seconds: float) -> None:
        """Moves on, and wakes whoever slept until then, earliest first."""
        self._now_us += round(seconds * 1e6)
        self._elapsed_us += round(seconds * 1e6)
        while self._sleepers and (self._sleepers[0][0] <= self._elapsed_us or self._sleepers[0][2].done()):
            woken = heapq.heappop(self._sleepers)[2]
            if not woken.done():
                woken.set_result(None)

    async def _move(self) -> None:
        """Moves to the moment at which the next sleeper wakes, whenever nothing else can go on."""
        ready = asyncio.get_running_loop()._ready  # type: ignore[attr-defined] # noqa: SLF001 - all that could go on now
        while self._sleepers:
            await asyncio.sleep(0)
            if not ready and self._sleepers:
                self.advance(max(0, self._sleepers[0][0] - self._elapsed_us) / 1e6)


async def act(
    plan: Plan, name: str, clock: MemoryClock, error: type[TransientError], never: type[PermanentError]
) -> Trouble | None:
    """Lets happen what the plan says before anything is done; answers what is to happen afterwards.

    Raises:
        TransientError: of the kind `error`, for `REFUSE`.
        PermanentError: of the kind `never`, for `NEVER`.
        Crash: for `CRASH`.
    """
    planned = plan(name)
    # Nothing outside of the worker answers at once.
    await asyncio.sleep(0)
    if isinstance(planned, Trouble):
        if planned is Trouble.REFUSE:
            raise error(f"{name}: refused")
        if planned is Trouble.NEVER:
            raise never(f"{name}: will never be done")
        if planned is Trouble.CRASH:
            raise Crash(name)
        return planned
    if planned:
        await clock.sleep(planned)
    return None


def settle(trouble: Trouble | None, name: str, error: type[TransientError]) -> None:
    """Lets happen what `act` said is to happen when everything is done.

    Raises:
        TransientError: of the kind `error`, for `LOSE_ANSWER` and `HALF`.
        Crash: for `CRASH_AFTER`.
    """
    if trouble is Trouble.CRASH_AFTER:
        raise Crash(name)
    if trouble is not None:
        raise error(f"{name}: no answer")


@dataclass(slots=True)
class _Log:
    records: list[Record] = field(default_factory=list)
    headers: list[dict[str, str]] = field(default_factory=list)


class MemoryBus:
    """A broker: topics with partitions, records, and the offsets that a group has committed.

    Args:
        plan: what goes wrong with `publish`; agents' own records (`produce`) always arrive.

    Attributes:
        committed: by topic and partition, the offset from which the group reads next.
    """

    def __init__(self, clock: MemoryClock, *, trouble: Plan = _smoothly) -> None:
        self._clock = clock
        self.trouble = trouble
        self._life = 0
        self._logs: dict[str, list[_Log]] = {}
        self.committed: dict[tuple[str, int], int] = {}
        self.forget()

    def forget(self) -> None:
        """Starts anew with nothing, under another name: as a broker that keeps everything in memory does."""
        self._life += 1
        self._logs = {topic.name: [_Log() for _ in range(topic.partitions)] for topic in TOPICS}
        self.committed.clear()

    @property
    def has_forgotten(self) -> bool:
        """Whether it did so since it was made."""
        return self._life > 1

    async def log_id(self) -> str:
        """See `Bus.log_id`."""
        settle(
            await act(self.trouble, "log_id", self._clock, BusUnavailableError, PermanentError),
            "log_id",
            BusUnavailableError,
        )
        return f"memory-{self._life}"

    async def publish(self, messages: Sequence[Message]) -> None:
        """See `Bus.publish`."""
        trouble = await act(self.trouble, "publish", self._clock, BusUnavailableError, PermanentError)
        for message in messages[: len(messages) // 2] if trouble is Trouble.HALF else messages:
            self.produce(message.topic, message.key, message.value, message.headers)
        settle(trouble, "publish", BusUnavailableError)

    def produce(
        self,
        topic: str,
        key: bytes,
        value: bytes,
        headers: Mapping[str, str] | None = None,
        *,
        partition: int | None = None,
        timestamp_ms: int | None = None,
    ) -> Record:
        """Appends a record, by default to the partition that every producer of ours chooses for the key."""
        logs = self._logs[topic]
        chosen = partition_of(key, len(logs)) if partition is None else partition
        log = logs[chosen]
        canonical = (headers or {}).get(WRITER_HEADER, "").encode() == CANONICAL
        at_ms = self._clock.now_us() // 1000 if timestamp_ms is None else timestamp_ms
        record = Record(topic, chosen, len(log.records), key, value, at_ms, canonical, f"memory-{self._life}")
        log.records.append(record)
        log.headers.append(dict(headers or {}))
        return record

    def read(self, topic: str, partition: int, offset: int, most: int = 2**31) -> list[Record]:
        """Records of a partition from an offset on."""
        return self._logs[topic][partition].records[offset : offset + most]

    def horizon(self, topic: str, partition: int) -> Horizon:
        """How far a partition's log reaches now."""
        end = len(self._logs[topic][partition].records)
        return Horizon(self.committed.get((topic, partition), 0), end, self._clock.now_us())

    def messages(self, topic: str) -> list[Message]:
        """All of a topic, partition by partition."""
        return [
            Message(topic, record.key or b"", record.value, headers)
            for log in self._logs[topic]
            for record, headers in zip(log.records, log.headers, strict=True)
        ]


def partition_of(key: bytes, partitions: int = PARTITIONS) -> int:
    """The partition of a key by murmur2, as Java's producer and ours (`PARTITIONER`) choose it."""
    return (_murmur2(key) & 0x7FFFFFFF) % partitions


def _murmur2(data: bytes) -> int:
    mask, factor = 0xFFFFFFFF, 0x5BD1E995
    hashed = 0x9747B28C ^ len(data)
    whole = len(data) & ~3
    for start in range(0, whole, 4):
        word = int.from_bytes(data[start : start + 4], "little") * factor & mask
        word = (word ^ word >> 24) * factor & mask
        hashed = hashed * factor & mask ^ word
    if whole < len(data):
        hashed = (hashed ^ int.from_bytes(data[whole:], "little")) * factor & mask
    hashed = (hashed ^ hashed >> 13) * factor & mask
    return hashed ^ hashed >> 15
