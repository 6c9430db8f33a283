"""The one place where the recorder's own errors end.

Whatever goes wrong inside is caught there, counted as `internal_error` and logged in one sentence, at most once a
minute and without payload (the error's message may quote the host's data, so only its type and place are told).
With `WATCHKEEPER_RAISE=1` in the environment it is raised again: our own tests run so, and no mistake hides.
"""

from __future__ import annotations

import functools
import logging
import os
import threading
import time
from collections.abc import Callable
from types import TracebackType
from typing import Any, Concatenate, ParamSpec, Protocol, TypeVar

from watchkeeper.producers.losses import Losses
from watchkeeper.schemas.errors import SessionStoppedError

LOG = logging.getLogger("watchkeeper")
QUIET_SECONDS = 60.0

P = ParamSpec("P")
R = TypeVar("R")


class Quiet:
    """Lets one message of a kind through in `QUIET_SECONDS`, and tells how many it held back."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._lock = threading.RLock()
        self._next: dict[str, float] = {}
        self._held: dict[str, int] = {}

    def passes(self, kind: str) -> int | None:
        """None to stay silent; otherwise how many of this kind were held back since the last one."""
        with self._lock:
            now = self._clock()
            if now < self._next.get(kind, 0.0):
                self._held[kind] = self._held.get(kind, 0) + 1
                return None
            self._next[kind] = now + QUIET_SECONDS
            return self._held.pop(kind, 0)


class Boundary:
    """Catches what the recorder does wrong. Use as a context manager, or through `contained`."""

    def __init__(self, losses: Losses, quiet: Quiet | None = None) -> None:
        self.losses = losses
        self.quiet = quiet or Quiet()

    def caught(self, error: Exception, doing: str) -> None:
        """Counts and logs an error of our own, or raises it where tests ask for that."""
        self.losses.add("internal_error")
        if os.environ.get("WATCHKEEPER_RAISE") == "1":
            raise error
        held = self.quiet.passes("internal_error")
        if held is None:
            return
        LOG.error(
            "watchkeeper failed inside (%s while in %s, at %s; %d more in the last minute). "
            "The agent goes on; what was lost is counted in losses().",
            type(error).__name__,
            doing,
            _place(error.__traceback__),
            held,
        )

    def __enter__(self) -> None:
        return None

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> bool:
        if not isinstance(error, Exception) or isinstance(error, SessionStoppedError):
            return False
        self.caught(error, "a block")
        return True


class Bounded(Protocol):
    """Something with a boundary around its methods."""

    _boundary: Boundary


S = TypeVar("S", bound=Bounded)


def contained(
    fallback: Callable[[], R],
) -> Callable[[Callable[Concatenate[S, P], R]], Callable[Concatenate[S, P], R]]:
    """Puts a boundary around a method: what fails inside is counted, and the caller gets `fallback()` instead.

    `SessionStoppedError` passes: it is meant for the host.
    """

    def decorate(method: Callable[Concatenate[S, P], R]) -> Callable[Concatenate[S, P], R]:
        @functools.wraps(method)
        def inner(self: S, /, *args: P.args, **kwargs: P.kwargs) -> R:
            try:
                return method(self, *args, **kwargs)
            except SessionStoppedError:
                raise
            except Exception as error:  # noqa: BLE001 - this is the boundary
                self._boundary.caught(error, method.__name__)
                return fallback()

        return inner

    return decorate


def nothing() -> None:
    """The fallback of methods that answer nothing."""


def _place(traceback: TracebackType | None) -> str:
    last: Any = traceback
    while last is not None and last.tb_next is not None:
        last = last.tb_next
    return "?" if last is None else f"{last.tb_frame.f_code.co_filename.rpartition('/')[2]}:{last.tb_lineno}"
