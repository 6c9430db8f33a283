"""Start, stop and ask a local stack: what the commands `up`, `down` and `status` call."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from watchkeeper.cli.stack.child import describe_exit, rotate, tail, tethered
from watchkeeper.cli.stack.layout import StackLayout
from watchkeeper.cli.stack.parts import BROKER, CLICKHOUSE_PART, dsn, plan
from watchkeeper.cli.stack.process_identity import ProcessIdentity
from watchkeeper.cli.stack.settings import CLICKHOUSE, HOME, KAFKA, StackSettings
from watchkeeper.cli.stack.status import StackStatus, read_status
from watchkeeper.cli.stack.supervisor import supervise
from watchkeeper.schemas.errors import StackError

if TYPE_CHECKING:
    from pathlib import Path

UP_SECONDS = 120.0
"""How long a stack may take until all its parts answer."""

DOWN_SECONDS = 45.0
"""How long it may take to end; each part has ten seconds."""

SUPERVISOR_LOG = "supervisor"

_POLL_SECONDS = 0.05
_MODULE = "watchkeeper.cli.stack.supervisor"

_launched: list[subprocess.Popen[bytes]] = []
"""Supervisors that this process started: their exit codes are collected here, by `_reap`."""


def start_stack(settings: StackSettings, *, foreground: bool = False, tether: bool = False) -> StackStatus:
    """Start a stack.

    Args:
        settings: which one.
        foreground: run it in this process, from its main thread, and return when it has ended (Ctrl-C ends it).
            Otherwise it runs on its own, and this returns when all its parts answer.
        tether: on Linux, let it end with the thread that called this, however that ends: for tests and demos.

    Returns:
        Its state: `running`; in the foreground the last one.

    Raises:
        StackError: a stack runs in that directory already, a part could not be started, or a program is missing. What
            was started is ended.
        ConfigurationError: a setting cannot be used.
    """
    layout = StackLayout(settings.data_dir.resolve())
    _refuse_second(layout)
    layout.make()
    _write_private(layout.settings_file, settings.to_json())
    if foreground:
        return _checked(supervise(settings), layout)
    # Whatever is wrong with the settings is found here as well, where its message reaches who asked.
    plan(settings, layout)
    began = datetime.now(UTC)
    process = _launch(layout, tether=tether)
    _launched.append(process)
    try:
        return _wait_until_up(process, layout, began)
    finally:
        _reap()


def stop_stack(data_dir: Path, seconds: float = DOWN_SECONDS) -> StackStatus:
    """Stop the stack of a directory; nothing happens where none runs.

    Args:
        data_dir: its directory.
        seconds: how long it may take; then it is killed, and its parts with it.

    Returns:
        Its state, `stopped` or `failed`; `error` says so where it had to be killed.
    """
    layout = StackLayout(data_dir.resolve())
    status = read_status(layout)
    if not status.is_alive or status.pid is None:
        return status
    ended = ProcessIdentity(status.pid, status.pid_started).terminate(seconds)
    _reap()
    if ended:
        return read_status(layout)
    for part in status.parts:
        if part.pid is not None:
            ProcessIdentity(part.pid, part.pid_started).terminate(0.5)
    return read_status(layout)


def stack_status(data_dir: Path) -> StackStatus:
    """The state of the stack of a directory; `stopped` where there is none."""
    return read_status(StackLayout(data_dir.resolve()))


def stack_environment(settings: StackSettings) -> dict[str, str]:
    """The variables with which a program uses the stack that runs in `settings.data_dir`.

    `WATCHKEEPER_KAFKA_BOOTSTRAP`, `WATCHKEEPER_CLICKHOUSE_DSN` (with user and password in it) and `WATCHKEEPER_HOME`.

    Raises:
        StackError: no stack runs there.
    """
    layout = StackLayout(settings.data_dir.resolve())
    status = read_status(layout)
    broker, clickhouse = status.part(BROKER), status.part(CLICKHOUSE_PART)
    if not status.is_alive or broker is None or clickhouse is None:
        raise StackError(f"no stack runs in {layout.data_dir}: start one by `watchkeeper up`")
    started_with = StackSettings.from_json(layout.settings_file.read_text())
    return {
        KAFKA: broker.url,
        CLICKHOUSE: dsn(started_with, layout, clickhouse.url),
        HOME: str(layout.data_dir),
    }


def _refuse_second(layout: StackLayout) -> None:
    status = read_status(layout)
    if status.is_alive:
        started = f"{status.started_at:%Y-%m-%d %H:%M} UTC" if status.started_at else "some time"
        message = (
            f"a stack already runs in {layout.data_dir} as process {status.pid}, since {started}:"
            " `watchkeeper down` stops it"
        )
        raise StackError(message)


def _launch(layout: StackLayout, *, tether: bool) -> subprocess.Popen[bytes]:
    log = layout.log(SUPERVISOR_LOG)
    rotate(log)
    command = [sys.executable, "-m", _MODULE, str(layout.settings_file)]
    with log.open("ab") as out:
        return subprocess.Popen(
            tethered(command) if tether else command,
            stdin=subprocess.DEVNULL,
            stdout=out,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )


def _wait_until_up(process: subprocess.Popen[bytes], layout: StackLayout, began: datetime) -> StackStatus:
    deadline = time.monotonic() + UP_SECONDS
    while True:
        code = process.poll()
        status = read_status(layout)
        if code is not None:
            if status.state == "failed" and status.started_at is not None and status.started_at >= began:
                return _checked(status, layout)
            log = layout.log(SUPERVISOR_LOG)
            raise StackError(f"the supervisor ended with {describe_exit(code)}. See {log}; it ends:\n{tail(log)}")
        if status.pid == process.pid and status.state in {"running", "degraded"}:
            return status
        if time.monotonic() > deadline:
            waiting = ", ".join(part.name for part in status.parts if part.state not in {"running", "external"})
            process.terminate()
            process.wait(DOWN_SECONDS)
            raise StackError(f"the stack was not up after {UP_SECONDS:.0f} s; still missing: {waiting or 'everything'}")
        time.sleep(_POLL_SECONDS)


def _checked(status: StackStatus, layout: StackLayout) -> StackStatus:
    """The status, unless the stack could not be started."""
    if status.state == "failed":
        raise StackError(f"{status.error}\nEverything was stopped again. The logs are in {layout.logs}")
    return status


def _reap() -> None:
    _launched[:] = [process for process in _launched if process.poll() is None]


def _write_private(path: Path, text: str) -> None:
    handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(handle, "w") as file:
        file.write(text)
