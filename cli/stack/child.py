"""A program that the stack runs: started with a log of its own, never outliving its parent, stopped with a deadline."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from watchkeeper.schemas.errors import StackError

LOG_KEPT_BYTES = 10 * 1024 * 1024
"""A log file larger than this is set aside as `.1` when its program starts."""

POLL_SECONDS = 0.05
_TETHER = Path(__file__).with_name("tether.py")


class Child:
    """One running program.

    On Linux the kernel kills it when the thread that started it ends, so start it from a thread that lives as long
    as it should: the main one.

    Args:
        name: what it is, for messages.
        command: program and arguments.
        log: the file that takes what it prints.
        environment: its whole environment; None inherits this process's.

    Raises:
        StackError: the program cannot be started.
    """

    def __init__(
        self, name: str, command: Sequence[str], log: Path, environment: Mapping[str, str] | None = None
    ) -> None:
        self.name = name
        self.log = log
        self.started_at = time.time()
        log.parent.mkdir(parents=True, exist_ok=True)
        rotate(log)
        try:
            with log.open("ab") as out:
                self._process = subprocess.Popen(
                    tethered(command),
                    stdin=subprocess.DEVNULL,
                    stdout=out,
                    stderr=subprocess.STDOUT,
                    env=dict(environment) if environment is not None else None,
                    start_new_session=True,
                )
        except OSError as error:
            raise StackError(f"{name} cannot be started: {error} ({command[0]})") from error

    @property
    def pid(self) -> int:
        """The process id."""
        return self._process.pid

    @property
    def exit_code(self) -> int | None:
        """The exit code, negative for a signal; None while it runs."""
        return self._process.poll()

    def stop(self, seconds: float) -> int:
        """Ask it to end by SIGTERM, and end it by SIGKILL after `seconds`; returns the exit code."""
        if self._process.poll() is None:
            self._process.terminate()
        try:
            return self._process.wait(seconds)
        except subprocess.TimeoutExpired:
            return self.kill()

    def kill(self) -> int:
        """End it by SIGKILL; returns the exit code."""
        if self._process.poll() is None:
            self._process.kill()
        return self._process.wait()

    def wait_until(self, ready: Callable[[], bool], seconds: float) -> None:
        """Wait until `ready` answers True.

        Raises:
            StackError: the program ended, or `seconds` went by; the message holds the end of its log.
        """
        deadline = time.monotonic() + seconds
        while not ready():
            if self.exit_code is not None:
                raise StackError(f"{self.name} ended with {describe_exit(self.exit_code)} at its start. {self._said()}")
            if time.monotonic() > deadline:
                raise StackError(f"{self.name} did not answer within {seconds:.0f} s. {self._said()}")
            time.sleep(POLL_SECONDS)

    def _said(self) -> str:
        return f"See {self.log}; it ends:\n{tail(self.log)}"


def tethered(command: Sequence[str]) -> list[str]:
    """The command behind the shim that ties its life to this process's, where the system can do that."""
    if not sys.platform.startswith("linux"):
        return list(command)
    return [sys.executable, "-I", "-S", str(_TETHER), str(os.getpid()), *command]


def describe_exit(code: int) -> str:
    """An exit code as people say it."""
    if code < 0:
        return f"signal {signal.Signals(-code).name}"
    return f"exit code {code}"


def tail(log: Path, lines: int = 12) -> str:
    """The last lines of a log file."""
    try:
        with log.open("rb") as file:
            file.seek(max(0, log.stat().st_size - 16_384))
            return "\n".join(file.read().decode(errors="replace").splitlines()[-lines:])
    except OSError as error:
        return f"(no log: {error})"


def free_port() -> int:
    """A port of 127.0.0.1 that nothing listens on now. Another process may take it before it is used."""
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def rotate(log: Path) -> None:
    """Set a log file aside that has grown beyond `LOG_KEPT_BYTES`."""
    if log.exists() and log.stat().st_size > LOG_KEPT_BYTES:
        log.replace(log.with_name(log.name + ".1"))
