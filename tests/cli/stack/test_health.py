"""A worker that lives and does not work, in a whole stack of real parts."""

from __future__ import annotations

import os
import signal
import time
import urllib.error
import urllib.request
from collections.abc import Callable
from pathlib import Path

import orjson
import pytest

from watchkeeper.cli.stack.health import health_problem
from watchkeeper.cli.stack.lifecycle import stack_status
from watchkeeper.cli.stack.settings import StackSettings
from watchkeeper.cli.stack.status import PartStatus
from watchkeeper.cli.stack.testing import running_stack
from watchkeeper.stream_processors.watching.place import watch_file


def _until(true: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 90
    while not true():
        assert time.monotonic() < deadline
        time.sleep(0.1)


def _worker(home: Path) -> PartStatus:
    found = stack_status(home).part("worker")
    assert found is not None
    return found


def _is_ready(home: Path, pid: int) -> bool:
    try:
        port = orjson.loads(watch_file(home, pid).read_bytes())["port"]
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/readyz", timeout=5) as answer:
            return bool(answer.status == 200)
    except (OSError, urllib.error.HTTPError):
        return False


@pytest.mark.long
def test_a_worker_that_is_stopped_is_killed_and_started_again(tmp_path: Path) -> None:
    with running_stack(StackSettings(data_dir=tmp_path)):
        first = _worker(tmp_path).pid
        assert first is not None
        _until(lambda: _is_ready(tmp_path, first))
        assert health_problem(tmp_path, first) == ""
        os.kill(first, signal.SIGSTOP)
        _until(lambda: _worker(tmp_path).state == "running" and _worker(tmp_path).pid != first)
        again = _worker(tmp_path)
        assert again.restarts == 1
        assert any("is stalled and was killed" in note for note in stack_status(tmp_path).notes)
