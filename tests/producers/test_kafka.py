"""Against a real broker: what is sent is there, in order and once; a broker that is away harms nobody."""

from __future__ import annotations

import logging
import time
import uuid
from collections.abc import Callable
from typing import Any

import pytest
from confluent_kafka import OFFSET_BEGINNING, Consumer, TopicPartition

from watchkeeper.cli.stack.child import free_port
from watchkeeper.cli.stack.testing import running_broker
from watchkeeper.producers import Delivery, Settings, Watchkeeper
from watchkeeper.schemas.events import EVENT_ADAPTER, Event
from watchkeeper.schemas.prompts import rebuild_prompts
from watchkeeper.schemas.topics import EVENTS, TOPICS
from watchkeeper.schemas.wire import CANONICAL, WRITER_HEADER, split_lines

Make = Callable[..., Watchkeeper]


@pytest.fixture
def tenant() -> str:
    """A name of the test's own: the broker is shared."""
    return f"t-{uuid.uuid4().hex}"


def read(bootstrap: str, tenant: str, wanted: int) -> list[tuple[Any, list[Event]]]:
    """The tenant's records, until so many events are there."""
    consumer = Consumer({"bootstrap.servers": bootstrap, "group.id": tenant, "enable.auto.commit": False})
    consumer.assign(
        [TopicPartition(EVENTS.name, partition, OFFSET_BEGINNING) for partition in range(EVENTS.partitions)]
    )
    found: list[tuple[Any, list[Event]]] = []
    deadline = time.monotonic() + 20
    try:
        while sum(len(events) for _, events in found) < wanted and time.monotonic() < deadline:
            message = consumer.poll(0.2)
            if message is None or message.error() or not (message.key() or b"").startswith(tenant.encode()):
                continue
            found.append((message, [EVENT_ADAPTER.validate_json(line) for line in split_lines(message.value() or b"")]))
    finally:
        consumer.close()
    return found


def test_events_arrive_in_order_and_once(broker: str, tenant: str, make_watch: Make) -> None:
    fates: list[Delivery] = []
    watch = make_watch(bootstrap=broker, tenant=tenant, on_delivery=fates.append)
    for _ in range(10):
        with watch.session() as s:
            for number in range(100):
                s.tool_result(s.tool_call("t", {"n": number}), number)
    assert watch.close(20)
    assert watch.losses() == {}
    found = read(broker, tenant, 2020)
    numbers: dict[str, list[int]] = {}
    for message, events in found:
        assert message.headers() == [(WRITER_HEADER, CANONICAL)]
        assert {f"{tenant}/{event.session_id}".encode() for event in events} == {message.key()}
        numbers.setdefault(events[0].session_id, []).extend(event.seq for event in events)
    assert list(numbers.values()) == [list(range(202))] * 10
    assert sorted((fate.partition, fate.offset) for fate in fates) == sorted(
        (message.partition(), message.offset()) for message, _ in found
    )
    assert sum(fate.record.events for fate in fates) == 2020


def test_a_prompt_of_5_megabytes_is_kept_verbatim(broker: str, tenant: str, make_watch: Make) -> None:
    watch = make_watch(bootstrap=broker, tenant=tenant)
    text = "0123456789" * 500_000
    with watch.session() as s:
        s.prompt([{"role": "user", "content": text}])
    assert watch.close(20)
    events = [event for _, events in read(broker, tenant, 3 + 20) for event in events]
    (prompt,) = rebuild_prompts(events)
    assert prompt.is_exact
    assert prompt.values() == [{"role": "user", "content": text}]


def test_while_the_broker_is_away_events_wait(tenant: str, make_watch: Make, caplog: pytest.LogCaptureFixture) -> None:
    port = free_port()
    watch = make_watch(bootstrap=f"127.0.0.1:{port}", tenant=tenant)
    with caplog.at_level(logging.INFO, "watchkeeper"), watch.session() as s:
        began = time.monotonic()
        for number in range(200):
            s.outcome("n", number)
        assert time.monotonic() - began < 2
        assert not watch.flush(0.3)
        with running_broker(TOPICS, port=port) as bootstrap:
            s.end()
            assert watch.close(30)
            events = [event for _, events in read(bootstrap, tenant, 202) for event in events]
    assert [event.seq for event in events] == list(range(202))
    assert watch.losses() == {}
    assert len([record for record in caplog.records if "cannot be used" in record.message]) <= 1


def test_a_broker_that_stays_away_costs_the_host_nothing(make_watch: Make, capfd: pytest.CaptureFixture[str]) -> None:
    watch = make_watch(
        bootstrap=f"127.0.0.1:{free_port()}", settings=Settings(queue_events=50, buffer_bytes=20_000, record_bytes=500)
    )
    with watch.session() as s:
        for _ in range(2000):
            s.tool_call("t", {"filling": "x" * 300})
    began = time.monotonic()
    assert not watch.close(0.5)
    assert time.monotonic() - began < 5
    losses = watch.losses()
    assert losses.keys() == {"queue_full", "unsent_at_close"}
    assert sum(losses.values()) == 2002
    # The queue, the client's buffer, and the one record between them. Each event takes over 300 bytes.
    assert 50 <= losses["unsent_at_close"] <= 50 + 20_000 // 300 + 64
    assert "rdkafka" not in capfd.readouterr().err


def test_records_that_are_given_up_are_counted(make_watch: Make) -> None:
    watch = make_watch(bootstrap=f"127.0.0.1:{free_port()}", settings=Settings(delivery_seconds=0.3))
    with watch.session():
        pass
    assert not watch.flush(10)
    assert watch.losses() == {"delivery_failed": 2}
