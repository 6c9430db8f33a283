"""The ends of a process: its exit, and its fork."""

from __future__ import annotations

import atexit
import os
import time
from multiprocessing import parent_process, util
from typing import Final, Protocol


class Mortal(Protocol):
    """What has to be told."""

    @property
    def exit_seconds(self) -> float:
        """How long the interpreter's exit may wait for it."""

    def close(self, timeout: float | None = None) -> bool:
        """Ends it."""

    def after_fork(self) -> None:
        """Makes it usable in the child."""


_LIVE: Final[dict[int, Mortal]] = {}
"""Strong references: what was queued leaves at the exit even where the host dropped its `Watchkeeper`."""


def enrol(mortal: Mortal) -> None:
    """From now on it is told."""
    _LIVE[id(mortal)] = mortal
    _finalize()


def discharge(mortal: Mortal) -> None:
    """It was closed."""
    _LIVE.pop(id(mortal), None)


def _at_exit() -> None:
    """Closes all within one deadline: the longest that any of them asks for, not the sum."""
    mortals = list(_LIVE.values())
    deadline = time.monotonic() + max((mortal.exit_seconds for mortal in mortals), default=0.0)
    for mortal in mortals:
        mortal.close(max(0.0, deadline - time.monotonic()))


def _in_child() -> None:
    for mortal in list(_LIVE.values()):
        mortal.after_fork()


class _Child:
    """What `multiprocessing` is asked to tell of a child: it holds its objects weakly."""

    finalized = False


_CHILD: Final = _Child()


def _begin_child(child: _Child) -> None:
    child.finalized = False
    if _LIVE:
        _finalize()


def _finalize() -> None:
    """A child of `multiprocessing` leaves by `os._exit` and calls no atexit handler: its own list is run instead."""
    if parent_process() is not None and not _CHILD.finalized:
        _CHILD.finalized = True
        util.Finalize(None, _at_exit, exitpriority=0)


# A child forgets what was to be finalised when it begins, also one that was spawned and has just read its modules.
util.register_after_fork(_CHILD, _begin_child)
atexit.register(_at_exit)
if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_in_child)
