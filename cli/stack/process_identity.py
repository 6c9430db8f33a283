"""Which process a number in a file means: process ids are used again."""

from __future__ import annotations

import contextlib
from dataclasses import dataclass

import psutil  # type: ignore[import-untyped]  # ships no types

_CLOCK_STEP_SECONDS = 1.0
"""How far the start time of one process may differ between two readings: it is derived from the boot time."""


@dataclass(frozen=True, slots=True)
class ProcessIdentity:
    """One process, told apart from a later one with the same number.

    Attributes:
        pid: its number.
        started: when it started, in seconds since the epoch, as the system says it.
    """

    pid: int
    started: float

    @classmethod
    def of(cls, pid: int) -> ProcessIdentity | None:
        """The process that has this number now, or None."""
        try:
            return cls(pid, psutil.Process(pid).create_time())
        except psutil.Error:
            return None

    @property
    def is_alive(self) -> bool:
        """Whether it still runs; a process that ended and waits for its parent does not."""
        return self._process() is not None

    def terminate(self, seconds: float) -> bool:
        """End it by SIGTERM, and by SIGKILL after `seconds`; answers whether SIGTERM was enough."""
        process = self._process()
        if process is None:
            return True
        with contextlib.suppress(psutil.NoSuchProcess):
            process.terminate()
            try:
                process.wait(seconds)
            except psutil.TimeoutExpired:
                process.kill()
                process.wait(seconds)
                return False
        return True

    def _process(self) -> psutil.Process | None:
        try:
            process = psutil.Process(self.pid)
            same = abs(process.create_time() - self.started) < _CLOCK_STEP_SECONDS
            return process if same and process.status() != psutil.STATUS_ZOMBIE else None
        except psutil.Error:
            return None
