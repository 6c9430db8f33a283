"""Who numbers events and how things are named: at random in a live agent, derived from the source in a recording."""

from __future__ import annotations

import hashlib
import itertools
import os
import time
from collections.abc import Callable
from typing import Protocol

from watchkeeper.schemas.ids import derived_id, uuid7

Clock = Callable[[], int]
"""Answers epoch microseconds."""


def system_clock() -> int:
    """The machine's clock in epoch microseconds."""
    return time.time_ns() // 1000


def stopwatch() -> int:
    """A clock that never goes back, in microseconds: for durations."""
    return time.perf_counter_ns() // 1000


class ManualClock:
    """A clock that stands still until it is told: recorded time.

    Example:
        >>> clock = ManualClock(1_700_000_000_000_000)
        >>> clock.advance(250_000)
        >>> clock()
        1700000000250000
    """

    def __init__(self, at_us: int) -> None:
        self._at_us = at_us

    def __call__(self) -> int:
        """The time it was set to, epoch microseconds."""
        return self._at_us

    def set(self, at_us: int) -> None:
        """Sets the time, epoch microseconds."""
        self._at_us = at_us

    def advance(self, by_us: int) -> None:
        """Moves the time on by so many microseconds."""
        self._at_us += by_us


class Identity(Protocol):
    """The names that one writer of one session gives.

    Attributes:
        writer_id: who numbers; at most 200 characters.
        salt: the key of its salted digests, 32 hexadecimal digits.
    """

    @property
    def writer_id(self) -> str:
        """See the class."""

    @property
    def salt(self) -> str:
        """See the class."""

    def event_id(self, writer_id: str, seq: int, occurred_us: int) -> str:
        """The UUID (version 7) of the event with this number. `writer_id` may be that of the parts of long texts."""

    def new_id(self, kind: str) -> str:
        """A new name for a request, a call and the like. Called in the order in which the host begins them."""

    def child(self, name: str) -> Identity:
        """The identity of a session that is delegated to under this name."""


class LiveIdentity:
    """Random names: what happens in a live agent happens once.

    The system is asked for randomness once, and names are derived from it: asking lets go of the interpreter's lock,
    which costs a busy agent more than all the rest of an emit.
    """

    def __init__(self) -> None:
        random = os.urandom(48).hex()
        self.writer_id = f"w-{random[:16]}"
        self.salt = random[16:48]
        self._prefix = random[48:64]
        self._secret = random[64:].encode()
        self._numbers = itertools.count()

    def event_id(self, writer_id: str, seq: int, occurred_us: int) -> str:
        """See `Identity.event_id`."""
        entropy = hashlib.blake2b(f"{writer_id}\0{seq}".encode(), digest_size=10, key=self._secret).digest()
        return uuid7(occurred_us // 1000, entropy)

    def new_id(self, kind: str) -> str:
        """See `Identity.new_id`."""
        return f"{kind}-{self._prefix}-{next(self._numbers)}"

    def child(self, name: str) -> Identity:  # noqa: ARG002 - the protocol's shape
        """See `Identity.child`."""
        return LiveIdentity()


class RecordedIdentity:
    """Names derived from a recording: the same source gives the same ids, salts and bytes, whenever it is read.

    Importing a file twice therefore stores nothing twice. The source must name one session of one recording, for
    example by the hash of its bytes: two different sessions under one source would be one writer.

    Example:
        >>> one, two = RecordedIdentity("sha256:5feceb66"), RecordedIdentity("sha256:5feceb66")
        >>> one.event_id(one.writer_id, 0, 0) == two.event_id(two.writer_id, 0, 0)
        True
    """

    def __init__(self, source: str) -> None:
        self._source = source
        self._given: dict[str, int] = {}
        self.writer_id = f"r-{derived_id('writer', source)}"
        self.salt = hashlib.blake2b(source.encode(), digest_size=16, person=b"wk-salt").hexdigest()

    def event_id(self, writer_id: str, seq: int, occurred_us: int) -> str:
        """See `Identity.event_id`."""
        entropy = hashlib.blake2b(f"{self._source}\0{writer_id}\0{seq}".encode(), digest_size=10).digest()
        return uuid7(occurred_us // 1000, entropy)

    def new_id(self, kind: str) -> str:
        """See `Identity.new_id`."""
        number = self._given.get(kind, 0)
        self._given[kind] = number + 1
        return f"{kind}-{derived_id(kind, self._source, number)}"

    def child(self, name: str) -> Identity:
        """See `Identity.child`."""
        return RecordedIdentity(f"{self._source}/{name}")
