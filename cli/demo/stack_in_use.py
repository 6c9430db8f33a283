"""The stack that a demo runs against: one of its own, one that runs, or what the environment names."""

from __future__ import annotations

import shutil
import signal
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import NoReturn

from watchkeeper.cli.stack.lifecycle import stack_environment, stack_status, start_stack, stop_stack
from watchkeeper.cli.stack.parts import WORKER
from watchkeeper.cli.stack.settings import CLICKHOUSE, KAFKA, StackSettings
from watchkeeper.schemas.errors import ConfigurationError, WatchkeeperError
from watchkeeper.stream_processors.settings import SIMULATED_ACTS

PREFIX = "watchkeeper-demo-"


@dataclass(slots=True)
class StackInUse:
    """Where the demo's events go and its findings come from.

    Attributes:
        bootstrap: the broker.
        dsn: ClickHouse, with password.
        home: the stack's directory.
        own: whether the demo started it.
        stays: whether it runs on when the demo has ended.
        failed: set where something went wrong: the files of a stack that ended stay then, for its logs.
    """

    bootstrap: str
    dsn: str
    home: Path
    own: bool
    stays: bool
    failed: bool = False

    @property
    def logs(self) -> Path:
        """Where its parts log."""
        return self.home / "logs"


@contextmanager
def stack_in_use(home: Path | None, *, keep: bool, broker: str | None = None) -> Iterator[StackInUse]:
    """The stack, for the length of a block. Call it from the main thread: the stack ends with it.

    Args:
        home: the directory of a stack that runs; one is started in a directory of its own, if None. Kafka and
            ClickHouse that the environment names are used by it, and not started.
        keep: whether a stack that was started here stays when the block ends well.
        broker: of a stack that is started here, as in `StackSettings.broker`; the environment's, if None.

    Raises:
        ConfigurationError: no stack runs in `home`.
        StackError: a stack could not be started; nothing is left running.
    """
    if home is not None:
        yield _running(home)
        return
    directory = Path(tempfile.mkdtemp(prefix=PREFIX))
    given = StackSettings.from_environment(data_dir=directory, broker=broker)
    # Nobody opens a page of a stack that ends with the demo.
    served = given.console_command if keep else ()
    settings = replace(given, environment={SIMULATED_ACTS: "1"}, console_command=served)
    stays = wreck = False
    before = signal.signal(signal.SIGTERM, _end)
    try:
        start_stack(settings, tether=not keep)
        stack = _of(settings, own=True, stays=keep)
        yield stack
        stays, wreck = keep, stack.failed
    except WatchkeeperError:
        wreck = True
        raise
    finally:
        if not stays:
            stop_stack(directory)
        if not stays and not wreck:
            shutil.rmtree(directory, ignore_errors=True)
        signal.signal(signal.SIGTERM, before)


def _end(*_: object) -> NoReturn:
    """Ends as Ctrl-C does, so that nothing is left behind."""
    sys.exit(128 + signal.SIGTERM)


def worker_state(home: Path) -> str:
    """A sentence on the worker, where it does not run; else nothing."""
    worker = stack_status(home).part(WORKER)
    if worker is None or worker.state == "running":
        return ""
    return f"The worker is {worker.state}: {worker.detail or 'see its log'}. "


def advice(home: Path) -> str:
    """How to start a stack that acts on simulated sessions."""
    return f"watchkeeper up --simulated-acts --home {home}"


def _running(home: Path) -> StackInUse:
    if not stack_status(home).is_alive:
        raise ConfigurationError(
            f"no stack runs in {home}: start one with `{advice(home)}`, or leave --home out: the demo starts its own"
        )
    return _of(StackSettings(data_dir=home), own=False, stays=True)


def _of(settings: StackSettings, *, own: bool, stays: bool) -> StackInUse:
    environment = stack_environment(settings)
    return StackInUse(environment[KAFKA], environment[CLICKHOUSE], settings.data_dir, own, stays)
