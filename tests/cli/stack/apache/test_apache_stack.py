"""`watchkeeper up --broker apache` and `demo --broker apache`: what the broker took stays over restarts."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import orjson
import pytest

from watchkeeper.cli.exit_codes import ExitCode
from watchkeeper.cli.stack.lifecycle import stack_environment, stack_status, start_stack, stop_stack
from watchkeeper.cli.stack.settings import APACHE, CLICKHOUSE, EMBEDDED, KAFKA, StackSettings
from watchkeeper.producers import Watchkeeper
from watchkeeper.stream_processors.clickhouse import connect

EVENTS = 300
SECONDS = 120.0
CLI = [sys.executable, "-m", "watchkeeper.cli.main"]


def until(ready: Callable[[], bool]) -> None:
    deadline = time.monotonic() + SECONDS
    while not ready():
        assert time.monotonic() < deadline, f"not within {SECONDS:.0f} s"
        time.sleep(0.1)


@pytest.fixture
def settings(apache: None, tmp_path: Path) -> Iterator[StackSettings]:
    """A stack with Apache Kafka and without a worker: what is sent waits in the broker."""
    given = StackSettings(data_dir=tmp_path / "home", broker=APACHE, worker_command=())
    yield given
    stop_stack(given.data_dir)


def tell(settings: StackSettings, session: str) -> None:
    """Sends events that the broker acknowledges."""
    watch = Watchkeeper("host", bootstrap=stack_environment(settings)[KAFKA])
    with watch.session(session_id=session) as told:
        for number in range(EVENTS):
            told.outcome("n", number)
    assert watch.close(SECONDS)
    assert watch.losses() == {}


def stored(settings: StackSettings) -> dict[str, int]:
    """How many events of each session are stored."""
    client = connect(stack_environment(settings)[CLICKHOUSE])
    rows = client.query("SELECT session_id, uniqExact(seq) FROM events GROUP BY session_id").result_rows
    client.close()
    return {str(name): int(count) for name, count in rows}


@pytest.mark.long
def test_events_sent_before_a_restart_are_found_after_it(settings: StackSettings) -> None:
    start_stack(settings, tether=True)
    told = stack_status(settings.data_dir).part("broker")
    assert told is not None
    assert (told.kind, told.title) == (APACHE, "Apache Kafka")
    tell(settings, "before")
    assert stored(settings) == {}
    stop_stack(settings.data_dir)
    # Killed, and nobody could close a file.
    start_stack(settings, tether=True)
    tell(settings, "between")
    status = stack_status(settings.data_dir)
    assert status.pid is not None
    os.kill(status.pid, signal.SIGKILL)
    until(lambda: not stack_status(settings.data_dir).is_alive)
    whole = replace(settings, worker_command=StackSettings().worker_command)
    start_stack(whole, tether=True)
    tell(whole, "after")
    # With the events that open and end a session.
    until(lambda: stored(whole) == dict.fromkeys(("before", "between", "after"), EVENTS + 2))
    stop_stack(settings.data_dir)
    # Its offsets stay too: a worker that comes back reads on, and has nothing to do again.
    start_stack(whole, tether=True)
    tell(whole, "last")
    until(lambda: stored(whole).get("last") == EVENTS + 2)
    client = connect(stack_environment(whole)[CLICKHOUSE])
    ((rows, different),) = client.query("SELECT count(), uniqExact(session_id, seq) FROM events").result_rows
    client.close()
    assert rows == different == 4 * (EVENTS + 2)


def test_a_stack_in_memory_tells_of_records_that_it_does_not_see(tmp_path: Path) -> None:
    settings = StackSettings(data_dir=tmp_path, worker_command=())
    (tmp_path / "kafka").mkdir()
    status = start_stack(settings, tether=True)
    try:
        broker = status.part("broker")
        assert broker is not None
        assert broker.kind == EMBEDDED
        assert any("`watchkeeper up --broker apache`" in note for note in status.notes)
    finally:
        stop_stack(tmp_path)


def run(*words: str, **environment: str) -> subprocess.CompletedProcess[str]:
    kept = {name: value for name, value in os.environ.items() if not name.startswith("WATCHKEEPER_")}
    return subprocess.run(
        [*CLI, *words], env=kept | environment, capture_output=True, text=True, timeout=280, check=False
    )


@pytest.mark.long
def test_a_demo_on_apache_kafka(apache: None, tmp_path: Path) -> None:
    ran = run("demo", "--broker", "apache", "--only", "token-cap", "--keep", "--json", TMPDIR=str(tmp_path))
    document = orjson.loads(ran.stdout)
    try:
        assert (ran.returncode, document["passed"]) == (ExitCode.OK, True), ran.stderr[-3000:]
        told = orjson.loads(run("status", "--json", "--home", document["home"]).stdout)
        kinds = {part["name"]: part["kind"] for part in told["parts"]}
        assert kinds.pop("broker") == APACHE
        assert set(kinds.values()) == {""}
        assert "broker (apache)" in run("status", "--home", document["home"]).stdout
    finally:
        run("down", "--home", document["home"])


def test_a_demo_on_a_stack_that_runs_takes_no_broker(tmp_path: Path) -> None:
    ran = run("demo", "--broker", "apache", "--home", str(tmp_path))
    assert ran.returncode == ExitCode.CONFIGURATION
    assert "leave out --broker, or --home" in ran.stderr
