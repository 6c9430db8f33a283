"""A worker that lives and does not work, in a whole stack of real parts."""

from __future__ import annotations

import os
import signal
import time
import urllib.error
import urllib.request
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import orjson
import pytest

from watchkeeper.cli.stack.health import health_problem
from watchkeeper.cli.stack.kept_part import sentence_of
from watchkeeper.cli.stack.layout import StackLayout
from watchkeeper.cli.stack.lifecycle import stack_status
from watchkeeper.cli.stack.parts import plan
from watchkeeper.cli.stack.settings import StackSettings
from watchkeeper.cli.stack.status import PartStatus
from watchkeeper.cli.stack.testing import running_stack
from watchkeeper.stream_processors.watching.place import watch_file
from watchkeeper.stream_processors.watching.server import serve
from watchkeeper.stream_processors.watching.watch import Watch


def test_what_a_log_says_is_told_without_its_json_and_its_stacks() -> None:
    assert sentence_of('{"level":"CRITICAL","message":"it is stalled; its threads:\\nthread MainThread:"}') == (
        "it is stalled; its threads:"
    )
    assert sentence_of("Traceback (most recent call last):") == "Traceback (most recent call last):"
    assert sentence_of('["no", "log"]') == '["no", "log"]'
    assert len(sentence_of("x" * 5000)) < 500


def test_a_worker_is_up_when_it_says_so_and_not_when_some_time_has_passed(tmp_path: Path) -> None:
    layout = StackLayout(tmp_path)
    settings = StackSettings(
        data_dir=tmp_path,
        kafka_bootstrap="127.0.0.1:1",
        clickhouse_dsn="http://watchkeeper@127.0.0.1:1/watchkeeper",
        worker_settles_seconds=3600,
    )
    part = next(part for part in plan(settings, layout) if part.name == "worker")
    assert part.command is not None
    part.command()
    assert part.problem(os.getpid()) == "the worker is still starting"
    watch = Watch(tmp_path, 0, settings.clickhouse_dsn)
    serve(watch, 0, tmp_path)
    assert part.problem(os.getpid()).startswith("not ready: waiting for partitions")
    watch.is_ready = True
    assert part.problem(os.getpid()) == ""
    settings = replace(settings, worker_settles_seconds=0)
    patient = next(part for part in plan(settings, layout) if part.name == "worker")
    assert patient.command is not None
    patient.command()
    watch.is_ready = False
    assert patient.problem(os.getpid()) == ""


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
