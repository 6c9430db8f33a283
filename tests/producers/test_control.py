"""Commands put on the control topic of a real broker reach the sessions they address within a second."""

from __future__ import annotations

import time
import uuid
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from confluent_kafka import Producer

from watchkeeper.cli.stack.broker import ensure_topics
from watchkeeper.cli.stack.child import free_port
from watchkeeper.cli.stack.testing import running_broker
from watchkeeper.producers import Session, SessionStoppedError, Settings, StopOrder, Watchkeeper
from watchkeeper.schemas.control import Control, Target
from watchkeeper.schemas.topics import CONTROL, PARTITIONER, TOPICS

Make = Callable[..., Watchkeeper]
Until = Callable[[Callable[[], object]], None]


class Desk:
    """Issues commands, as the worker and the operator's command line do."""

    def __init__(self, bootstrap: str) -> None:
        self.tenant = f"t-{uuid.uuid4().hex}"
        self._producer = Producer({"bootstrap.servers": bootstrap, "partitioner": PARTITIONER, "log_level": 0})

    def issue(self, action: Any, target: str, *, by: str = "worker", seconds: float = 600) -> None:
        kind, _, name = target.partition(":")
        now = datetime.now(tz=UTC)
        command = Control(
            command_id=uuid.uuid4().hex,
            tenant_id=self.tenant,
            target=Target(kind=kind, id=name),  # type: ignore[arg-type] # one of the three
            action=action,
            reason="enough",
            issued_by=by,
            issued_at=now,
            expires_at=now + timedelta(seconds=seconds),
        )
        self.put(command.model_dump_json().encode(), command.key)

    def put(self, value: bytes | None, key: bytes = b"k") -> None:
        self._producer.produce(CONTROL.name, value=value, key=key)
        assert self._producer.flush(10) == 0


def checked(s: Session) -> bool:
    """Raises once the session is stopped."""
    s.check()
    return False


@pytest.fixture
def desk(broker: str) -> Desk:
    return Desk(broker)


def test_a_session_is_stopped_within_a_second(broker: str, desk: Desk, make_watch: Make, until: Until) -> None:
    told: list[tuple[StopOrder, float]] = []
    watch = make_watch(
        policy={"mode": "enforce"},
        bootstrap=broker,
        tenant=desk.tenant,
        on_stop=lambda order: told.append((order, time.monotonic())),
    )
    with watch.session() as warm:
        # The reader is at work once it has heard of something.
        desk.issue("terminate", f"session:{warm.session_id}")
        until(lambda: told)

    def run() -> None:
        with watch.session() as s:
            s.response("so far", answer=True)
            issued.append(time.monotonic())
            desk.issue("terminate", f"session:{s.session_id}")
            until(lambda: checked(s))

    issued: list[float] = []
    with pytest.raises(SessionStoppedError) as raised:
        run()
    assert raised.value.best_answer == "so far"
    until(lambda: len(told) == 2)
    assert told[1][1] - issued[0] < 1.0


def test_a_new_process_honours_earlier_commands(broker: str, desk: Desk, make_watch: Make, until: Until) -> None:
    desk.issue("terminate", "session:over", seconds=0.001)
    desk.issue("pause", "agent:other")
    desk.issue("pause", "agent:support")
    desk.issue("terminate", "tenant:" + desk.tenant, by="ops")
    desk.issue("resume", "agent:support", by="ops")
    told: list[StopOrder] = []
    watch = make_watch(bootstrap=broker, tenant=desk.tenant, on_stop=told.append)
    with pytest.raises(SessionStoppedError), watch.session(session_id="over") as s:
        until(lambda: checked(s))
    # The callback runs in a thread of its own.
    until(lambda: any(order.action == "terminate" for order in told))
    assert [(order.action, order.issued_by) for order in told if order.action == "terminate"] == [("terminate", "ops")]


def test_what_is_no_command_is_ignored(
    broker: str, desk: Desk, make_watch: Make, until: Until, caplog: pytest.LogCaptureFixture
) -> None:
    desk.put(b'{"secret": 1}')
    desk.put(None)
    desk.issue("circuit_open", "agent:support")
    watch = make_watch(bootstrap=broker, tenant=desk.tenant)
    with watch.session() as s:
        until(lambda: s.circuit_open(""))
    assert "not valid" in caplog.text
    assert "secret" not in caplog.text


def test_recordings_hear_no_commands(broker: str, desk: Desk, make_watch: Make) -> None:
    watch = make_watch(bootstrap=broker, tenant=desk.tenant, origin="import")
    assert watch._recorder.listener is None


def test_the_reader_waits_for_a_broker_and_for_the_topic(make_watch: Make, until: Until) -> None:
    port = free_port()
    watch = make_watch(bootstrap=f"127.0.0.1:{port}", settings=Settings(exit_seconds=5))
    with watch.session() as s, running_broker(port=port) as bootstrap:
        ensure_topics(bootstrap, TOPICS)
        late = Desk(bootstrap)
        late.tenant = "default"
        late.issue("pause", f"session:{s.session_id}", by="ops")
        until(s._obedience.held)
        late.issue("resume", f"session:{s.session_id}", by="ops")
        until(lambda: not s._obedience.held())
        s.end()
        assert watch.close(10)
