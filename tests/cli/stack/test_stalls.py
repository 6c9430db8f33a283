"""A real worker that stalls in a real stack is started again; one whose store is away is not."""

from __future__ import annotations

import sys
import time
import uuid
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import orjson
import pytest
from confluent_kafka import Producer

from watchkeeper.cli.stack.child import free_port
from watchkeeper.cli.stack.kept_part import MOST_SILENT, PROBE_SECONDS
from watchkeeper.cli.stack.lifecycle import stack_status
from watchkeeper.cli.stack.settings import CLICKHOUSE, KAFKA, StackSettings
from watchkeeper.cli.stack.status import PartStatus
from watchkeeper.cli.stack.testing import running_clickhouse, running_stack
from watchkeeper.schemas.ids import uuid7
from watchkeeper.schemas.model import format_utc
from watchkeeper.schemas.topics import EVENTS
from watchkeeper.stream_processors.clickhouse import connect
from watchkeeper.stream_processors.watching.liveness import GRACE_SECONDS, MOST_MARKERS

FETCH_SECONDS = 10
# The loop's limit stays as it is but where it is tried: on a busy machine a loop may well stand for seconds.
LIMITS = {"WATCHKEEPER_STALL_FETCH_SECONDS": str(FETCH_SECONDS), "WATCHKEEPER_LOG_LEVEL": "INFO"}
STALLING = (sys.executable, str(Path(__file__).with_name("stalling_worker.py")))

pytestmark = pytest.mark.long


def until(true: Callable[[], bool], what: str, seconds: float = 120) -> None:
    deadline = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < deadline, what
        time.sleep(0.1)


def worker(home: Path) -> PartStatus:
    found = stack_status(home).part("worker")
    assert found is not None
    return found


def settings(home: Path, **given: str) -> StackSettings:
    return StackSettings(
        data_dir=home,
        worker_command=STALLING,
        rollups_command=(),
        scheduler_command=(),
        alerts_command=(),
        console_command=(),
        environment=LIMITS,
        **given,  # type: ignore[arg-type] # only texts are given
    )


def send(bootstrap: str, session: str, first: int, events: int) -> None:
    producer = Producer({"bootstrap.servers": bootstrap})
    for seq in range(first, first + events):
        line = {
            "type": "checkpoint",
            "event_id": uuid7(),
            "session_id": session,
            "writer_id": "w",
            "seq": seq,
            "occurred_at": format_utc(datetime.now(UTC)),
            "agent_id": "a",
            "data": {"checkpoint_id": "c"},
        }
        producer.produce(EVENTS.name, orjson.dumps(line), f"default/{session}")
        producer.flush(0)
    assert producer.flush(60) == 0


def stored(dsn: str, session: str) -> int:
    client = connect(dsn)
    query = "SELECT count() FROM events FINAL WHERE session_id = {session:String}"
    found: int = client.query(query, {"session": session}).result_rows[0][0]
    client.close()
    return found


@pytest.mark.parametrize(
    ("way", "said"),
    [
        ("block", "the event loop has not turned"),
        ("swallow", "no fetch of agent.events was answered"),
        ("starve", "nothing of agent.events was taken"),
    ],
)
def test_a_worker_that_stalls_is_started_again_and_goes_on(way: str, said: str, tmp_path: Path) -> None:
    session = f"s-{uuid.uuid4()}"
    with running_stack(settings(tmp_path)) as variables:
        bootstrap, dsn = variables[KAFKA], variables[CLICKHOUSE]
        send(bootstrap, session, 0, 1)
        until(lambda: stored(dsn, session) == 1, "the first event is stored")
        first = worker(tmp_path).pid
        (tmp_path / way).touch()
        until(lambda: not (tmp_path / way).exists(), "it stalls")
        # While it stalls, the lag grows.
        send(bootstrap, session, 1, 3 * MOST_MARKERS)
        until(lambda: worker(tmp_path).restarts >= 1, "it is started again")
        until(lambda: stored(dsn, session) == 1 + 3 * MOST_MARKERS, "what waited is stored")
        until(lambda: worker(tmp_path).state == "running", "it runs again")
        assert worker(tmp_path).pid != first
        notes = stack_status(tmp_path).notes
    assert any("exit code 79" in note or "is stalled and was killed" in note for note in notes), notes
    assert said in (tmp_path / "logs" / "worker.log").read_text()


def test_a_store_that_is_away_is_no_reason_to_start_a_worker_again(tmp_path: Path) -> None:
    session, port = f"s-{uuid.uuid4()}", free_port()
    patience = FETCH_SECONDS + GRACE_SECONDS + (MOST_SILENT + 1) * PROBE_SECONDS
    with running_clickhouse(tmp_path / "store", port=port) as dsn:
        stack = running_stack(settings(tmp_path / "home", clickhouse_dsn=dsn))
        variables = stack.__enter__()
        send(variables[KAFKA], session, 0, 1)
        until(lambda: stored(dsn, session) == 1, "the first event is stored")
    try:
        before = worker(tmp_path / "home")
        send(variables[KAFKA], session, 1, 3 * MOST_MARKERS)
        ends = time.monotonic() + patience
        while time.monotonic() < ends:
            now = worker(tmp_path / "home")
            assert (now.state, now.pid, now.restarts) == ("running", before.pid, 0), stack_status(
                tmp_path / "home"
            ).notes
            time.sleep(0.5)
        with running_clickhouse(tmp_path / "store", port=port) as dsn:
            until(lambda: stored(dsn, session) == 1 + 3 * MOST_MARKERS, "what waited is stored")
            assert worker(tmp_path / "home").pid == before.pid
    finally:
        stack.__exit__(None, None, None)
