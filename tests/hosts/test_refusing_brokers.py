"""Apache Kafka refusing what it is sent: counted to the event by its reason, told once, and nobody else's loss."""

from __future__ import annotations

import logging
import random
import string
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from confluent_kafka.admin import AdminClient
from confluent_kafka.cimpl import NewTopic

from watchkeeper.cli.stack.testing import running_kafka
from watchkeeper.producers import Settings, Watchkeeper
from watchkeeper.producers.writing import sender
from watchkeeper.schemas.topics import EVENTS, TOPICS

pytestmark = pytest.mark.long
PATIENCE_SECONDS = 60.0
MOST_BYTES = 300_000
EITHER_WAY = pytest.mark.parametrize("spool", [True, False], ids=["with a spool", "without"])


@pytest.fixture(scope="module")
def narrow(apache: None) -> Iterator[str]:
    """A broker that takes no record above `MOST_BYTES`."""
    with running_kafka() as cluster:
        asked = NewTopic(EVENTS.name, EVENTS.partitions, 1, config={"max.message.bytes": str(MOST_BYTES)})
        admin = AdminClient({"bootstrap.servers": cluster.bootstrap})
        for answer in admin.create_topics([asked]).values():
            answer.result()
        cluster.ensure_topics(TOPICS)
        yield cluster.bootstrap


@EITHER_WAY
def test_a_record_too_large_for_the_broker_is_counted_and_takes_no_other_with_it(
    spool: bool, narrow: str, tenant: str, read: Any, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    settings = Settings(spool_dir=tmp_path / "spool" if spool else None)
    watch = Watchkeeper("host", bootstrap=narrow, tenant=tenant, settings=settings)
    draw = random.Random(7)
    text = "".join(draw.choices(string.ascii_letters + string.digits, k=2_000_000))
    with watch.session(session_id="large") as large, watch.session(session_id="small") as small:
        for number in range(300):
            small.outcome("n", number)
            if number % 100 == 50:
                large.prompt([{"role": "user", "content": f"{number} {text}"}])
    assert not watch.flush(PATIENCE_SECONDS)
    lost = watch.losses()
    assert lost.keys() == {"too_large"}
    traffic = watch.traffic()
    assert traffic.acknowledged_events == traffic.events - lost["too_large"]
    events = read(narrow, tenant, lambda found: len(found) >= traffic.acknowledged_events)
    assert len(events) == traffic.acknowledged_events
    ours = [event for event in events if event.session_id == "small"]
    assert [event.seq for event in ours] == list(range(302)), "the other session lost nothing"
    assert any(event.session_id == "large" for event in events)
    complaints = [it.message for it in caplog.records if it.levelno >= logging.WARNING]
    assert len(complaints) == 1, complaints
    assert "MSG_SIZE_TOO_LARGE" in complaints[0]
    assert "set max.message.bytes of the topic" in complaints[0]
    watch.close(PATIENCE_SECONDS)


def test_a_topic_that_is_missing_is_counted_where_there_is_no_spool(
    apache: None, tenant: str, caplog: pytest.LogCaptureFixture
) -> None:
    with running_kafka() as cluster:
        watch = Watchkeeper("host", bootstrap=cluster.bootstrap, tenant=tenant, settings=Settings(delivery_seconds=2.0))
        with watch.session() as s:
            for number in range(500):
                s.outcome("n", number)
        assert not watch.flush(PATIENCE_SECONDS)
        lost = watch.losses()
        assert lost.keys() <= {"refused", "delivery_failed"}
        assert sum(lost.values()) == 502
        complaints = [it.message for it in caplog.records if "given up" in it.message]
        assert 1 <= len(complaints) <= len(lost)
        assert any("UNKNOWN_TOPIC_OR_PART" in it and "watchkeeper topics" in it for it in complaints)
        watch.close(PATIENCE_SECONDS)


def test_a_topic_that_is_missing_is_waited_for_with_a_spool(
    apache: None,
    tenant: str,
    read: Any,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    monkeypatch.setattr(sender, "STALL_SECONDS", 1.0)
    settings = Settings(spool_dir=tmp_path / "spool", delivery_seconds=2.0)
    with running_kafka() as cluster:
        watch = Watchkeeper("host", bootstrap=cluster.bootstrap, tenant=tenant, settings=settings)
        with watch.session() as s:
            for number in range(500):
                s.outcome("n", number)
        until(lambda: any("acknowledged nothing" in it.message for it in caplog.records))
        cluster.ensure_topics(TOPICS)
        assert watch.close(PATIENCE_SECONDS)
        assert watch.losses() == {}
        events = read(cluster.bootstrap, tenant, lambda found: len(found) >= 502)
        assert [event.seq for event in events] == list(range(502))
        assert len([it for it in caplog.records if it.levelno >= logging.WARNING]) == 1


def until(condition: Callable[[], object]) -> None:
    deadline = time.monotonic() + PATIENCE_SECONDS
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.02)
