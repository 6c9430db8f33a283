"""How simulated time passes: what agents and tools wait for, and whose clock tells it."""

from __future__ import annotations

import threading
import time
from contextvars import ContextVar
from typing import Final

from watchkeeper.producers.identity import system_clock
from watchkeeper.schemas.errors import WatchkeeperError

PATIENCE_SECONDS: Final = 30.0
"""After so long a request that hangs is given up: nobody stopped the session."""


class HungError(WatchkeeperError):
    """A request hung, and nobody stopped the session."""


class LateClock:
    """A session's clock that begins in the past and is let catch up: slow work is told without being waited for.

    An hour of work then takes a moment, and its end is now. Answers epoch microseconds.
    """

    def __init__(self, behind_seconds: float) -> None:
        self._behind_us = round(behind_seconds * 1_000_000)

    def __call__(self) -> int:
        """The session's time, epoch microseconds."""
        return system_clock() - self._behind_us

    def catch_up(self, seconds: float) -> None:
        """Lets so much time pass, at most until now."""
        self._behind_us = max(0, self._behind_us - round(seconds * 1_000_000))


class PastClock:
    """A session's clock that stands days ago and moves by the session's own work: nothing is waited for.

    Answers epoch microseconds, a millisecond later each time.
    """

    def __init__(self, at_us: int) -> None:
        self._at_us = at_us

    def __call__(self) -> int:
        """The session's time, epoch microseconds."""
        self._at_us += 1000
        return self._at_us

    def catch_up(self, seconds: float) -> None:
        """Lets so much time pass."""
        self._at_us += round(seconds * 1_000_000)


SESSION_CLOCK: Final[ContextVar[LateClock | PastClock | None]] = ContextVar("fleet_session_clock", default=None)
"""The clock of the session that runs here, where it has one of its own."""


class Pace:
    """Waits, or does not.

    Args:
        share: the part of each wait that is really waited; 0 for tests.
        patience_seconds: how long a request that hangs is waited for.
    """

    def __init__(self, share: float = 1.0, patience_seconds: float = PATIENCE_SECONDS) -> None:
        self._share = share
        self._patience_seconds = patience_seconds
        self._over = threading.Event()

    def wait(self, seconds: float) -> None:
        """Lets a model think or a tool work; ends early when the fleet is called off."""
        clock = SESSION_CLOCK.get()
        if clock is not None:
            clock.catch_up(seconds)
        elif self._share > 0:
            self._over.wait(seconds * self._share)

    def think(self, seconds: float) -> None:
        """Lets a model think; by everybody's clock, unless the session is of the past."""
        clock = SESSION_CLOCK.get()
        if isinstance(clock, PastClock):
            clock.catch_up(seconds)
        elif self._share > 0:
            self._over.wait(seconds * self._share)

    def wait_whole(self, seconds: float) -> None:
        """Waits for so long by everybody's clock, whatever share of waits is waited: for the calendar."""
        self._over.wait(seconds)

    def hang(self, released: threading.Event) -> None:
        """Waits until somebody stops the session.

        Raises:
            HungError: nobody did.
        """
        deadline = time.monotonic() + self._patience_seconds
        while not released.wait(0.1):
            if time.monotonic() > deadline or self._over.is_set():
                raise HungError("a request to the model hung and the session was not stopped: look at the worker's log")

    @property
    def is_over(self) -> bool:
        """Whether the fleet was called off."""
        return self._over.is_set()

    def call_off(self) -> None:
        """Ends all waiting."""
        self._over.set()
