"""Keeps the parts of a local stack alive, and ends them together.

One process, one thread: the kernel ends a child when the thread that started it ends (`PR_SET_PDEATHSIG`), so what is
started here cannot outlive it on Linux, even when it is killed. Elsewhere the next start ends what was left.
"""

from __future__ import annotations

import logging
import os
import signal
import sys
import threading
import time
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from watchkeeper.cli.stack.kept_part import KeptPart
from watchkeeper.cli.stack.layout import StackLayout
from watchkeeper.cli.stack.parts import plan
from watchkeeper.cli.stack.process_identity import ProcessIdentity
from watchkeeper.cli.stack.process_lock import DirectoryLock
from watchkeeper.cli.stack.settings import StackSettings
from watchkeeper.cli.stack.status import StackState, StackStatus, read_status, write_status
from watchkeeper.cli.stack.versions import versions
from watchkeeper.schemas.errors import WatchkeeperError
from watchkeeper.stream_processors.watching.logs import set_up_logs

if TYPE_CHECKING:
    from collections.abc import Sequence

    from watchkeeper.cli.stack.part import Part

STEP_SECONDS = 0.1
NOTES_KEPT = 200

_LEFTOVER_SECONDS = 10.0
_LOG = logging.getLogger("watchkeeper.supervisor")


class Supervisor:
    """A stack while it runs. Use it from a process's main thread.

    Args:
        layout: the stack's files.
        parts: what is kept, in the order of their start.
    """

    def __init__(self, layout: StackLayout, parts: Sequence[Part]) -> None:
        self._layout = layout
        self._stop = threading.Event()
        self._notes: list[str] = []
        self._error = ""
        self._has_run = False
        me = ProcessIdentity.of(os.getpid())
        self._status = StackStatus(
            "starting",
            str(layout.data_dir),
            pid=os.getpid(),
            pid_started=me.started if me is not None else time.time(),
            started_at=datetime.now(UTC),
            versions=versions(),
        )
        self._kept = [KeptPart(part, layout.log(part.name), self._note) for part in parts]
        write_status(layout, self._status)

    def stop(self) -> None:
        """Ask the stack to end; safe in a signal handler."""
        self._stop.set()

    def run(self) -> StackStatus:
        """Start the parts, keep them alive until asked to stop, end them in reverse order.

        Returns:
            The last state: `stopped`, or `failed` where a part could not be started at first.
        """
        try:
            while not self._stop.is_set() and not self._error:
                self._step()
                self._stop.wait(STEP_SECONDS)
        finally:
            self._publish("stopping")
            for kept in reversed(self._kept):
                kept.stop()
            self._publish("failed" if self._error else "stopped")
        return self._status

    def _step(self) -> None:
        """Look after each part once. A part that never came up holds back those behind it."""
        for kept in self._kept:
            if kept.step() and kept.status.restarts:
                self._restart_dependents(kept)
            if not kept.was_up:
                break
        failed = [kept for kept in self._kept if kept.has_failed]
        if failed and not self._has_run:
            self._error = failed[0].status.detail
            return
        self._has_run = self._has_run or all(kept.is_up for kept in self._kept)
        self._publish(("degraded" if failed else "running") if self._has_run else "starting")

    def _restart_dependents(self, restarted: KeptPart) -> None:
        for kept in self._kept:
            if restarted.part.name in kept.part.restarts_with and kept.is_up:
                kept.restart(f"{restarted.part.title} was started again")

    def _publish(self, state: StackState) -> None:
        now = replace(
            self._status,
            state=state,
            pid=None if state in {"stopped", "failed"} else self._status.pid,
            parts=tuple(kept.status for kept in self._kept),
            notes=tuple(self._notes[-NOTES_KEPT:]),
            error=self._error,
        )
        if now != self._status:
            write_status(self._layout, now)
        if now.state != self._status.state:
            _LOG.info("the stack: %s", now.state)
        self._status = now

    def _note(self, sentence: str, bad: bool) -> None:
        _LOG.log(logging.ERROR if bad else logging.INFO, "%s", sentence)
        self._notes.append(f"{datetime.now(UTC):%Y-%m-%dT%H:%M:%SZ} {sentence}")


def supervise(settings: StackSettings) -> StackStatus:
    """Run a stack in this process, from its main thread, until SIGTERM, SIGINT or SIGHUP.

    Returns:
        The last state.

    Raises:
        StackError: another process runs a stack in this directory, or a program is not installed.
        ConfigurationError: a setting cannot be used.
    """
    layout = StackLayout(settings.data_dir.resolve())
    layout.make()
    with DirectoryLock(layout.pid_file, "a stack"):
        _end_leftovers(layout)
        supervisor = Supervisor(layout, plan(settings, layout))
        before = {number: signal.signal(number, lambda *_: supervisor.stop()) for number in _STOPPING}
        try:
            return supervisor.run()
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)


_STOPPING = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP)


def _end_leftovers(layout: StackLayout) -> None:
    """End what a supervisor that was killed may have left, where the kernel does not do it."""
    for part in read_status(layout, as_written=True).parts:
        if part.pid is not None:
            left = ProcessIdentity(part.pid, part.pid_started)
            if left.is_alive:
                _LOG.warning("%s (process %s) was left by an earlier stack and is ended", part.title, part.pid)
                left.terminate(_LEFTOVER_SECONDS)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a stack as its settings file says; returns the exit code."""
    given = sys.argv[1:] if arguments is None else list(arguments)
    set_up_logs()
    try:
        status = supervise(StackSettings.from_json(Path(given[0]).read_text()))
    except WatchkeeperError as error:
        print(f"supervisor: {error}", file=sys.stderr)
        return 1
    return 1 if status.state == "failed" else 0


if __name__ == "__main__":
    sys.exit(main())
