from __future__ import annotations

import json
import time
import uuid
from pathlib import Path

import pytest
from confluent_kafka import Consumer, Producer, TopicPartition

from watchkeeper.cli.stack.apache.jars import Jar, check_jars, kafka_jars, read_lock
from watchkeeper.cli.stack.apache.node import new_cluster_id
from watchkeeper.cli.stack.testing import commit_places, running_kafka
from watchkeeper.schemas.errors import StackError
from watchkeeper.schemas.topics import EVENTS, Topic

TOPIC = Topic("kept", "any", partitions=1)


def test_a_jar_with_another_checksum_is_named_with_the_remedy(tmp_path: Path) -> None:
    (tmp_path / "a-1.0.jar").write_bytes(b"not what was locked")
    with pytest.raises(StackError, match=r"a-1\.0\.jar has the checksum .* the remedy"):
        check_jars(tmp_path, (Jar("a", "1.0", "0" * 64),), "the remedy")
    with pytest.raises(StackError, match=r"b-2\.jar is missing"):
        check_jars(tmp_path, (Jar("b", "2", "0" * 64),), "")
    with pytest.raises(StackError, match=r"a-1\.0\.jar is not in the lock file"):
        check_jars(tmp_path, (), "")


def test_a_damaged_lock_file_is_told(tmp_path: Path) -> None:
    lock = tmp_path / "lock.json"
    lock.write_text(json.dumps({"jars": [{"name": "a"}]}))
    with pytest.raises(StackError, match="is no lock file of jars"):
        read_lock(lock)


@pytest.mark.usefixtures("apache")
def test_the_cache_holds_what_the_lock_file_names() -> None:
    assert {path.name for path in kafka_jars().glob("*.jar")} == {jar.file for jar in read_lock()}


@pytest.mark.usefixtures("apache")
@pytest.mark.long
def test_records_and_offsets_outlive_a_kill_and_other_ports(tmp_path: Path) -> None:
    group = {"group.id": uuid.uuid4().hex, "enable.auto.commit": False}
    with running_kafka(topics=[TOPIC], data_dir=tmp_path) as cluster:
        producer = Producer({"bootstrap.servers": cluster.bootstrap, "enable.idempotence": True})
        for number in range(10):
            producer.produce(TOPIC.name, b"%d" % number)
        assert producer.flush(30) == 0
        consumer = Consumer({"bootstrap.servers": cluster.bootstrap, **group})
        commit_places(consumer, [TopicPartition(TOPIC.name, 0, 4)])
        consumer.close()
        before = cluster.bootstrap
        cluster.nodes[0].kill()
        assert cluster.nodes[0].pid is None
        cluster.nodes[0].start()
        assert cluster.bootstrap == before
        cluster_id = cluster.cluster_id
    with running_kafka(data_dir=tmp_path) as again:
        assert again.cluster_id == cluster_id
        consumer = Consumer({"bootstrap.servers": again.bootstrap, **group})
        (committed,) = consumer.committed([TopicPartition(TOPIC.name, 0)], 20)
        assert committed.offset == 4
        consumer.assign([TopicPartition(TOPIC.name, 0, 0)])
        found = [message.value() for message in consumer.consume(10, 20)]
        assert found == [b"%d" % number for number in range(10)]
        consumer.close()


@pytest.mark.long
@pytest.mark.usefixtures("apache")
def test_an_event_is_stamped_by_the_broker_whatever_its_host_says(tmp_path: Path) -> None:
    before_ms = int(time.time() * 1000)
    with running_kafka(topics=[EVENTS], data_dir=tmp_path) as cluster:
        producer = Producer({"bootstrap.servers": cluster.bootstrap})
        producer.produce(EVENTS.name, b"x", partition=0, timestamp=1)
        assert producer.flush(30) == 0
        consumer = Consumer({"bootstrap.servers": cluster.bootstrap, "group.id": uuid.uuid4().hex})
        consumer.assign([TopicPartition(EVENTS.name, 0, 0)])
        (message,) = consumer.consume(1, 30)
        consumer.close()
    assert message.timestamp()[1] >= before_ms


def test_an_id_of_a_cluster_is_no_option_of_a_tool() -> None:
    assert not any(new_cluster_id().startswith("-") for _ in range(2000))
