"""How far a consumer group is behind, as the broker tells it: for when no worker can be asked."""

from __future__ import annotations

from collections.abc import Sequence

from confluent_kafka import Consumer, KafkaException, TopicPartition

from watchkeeper.schemas.topics import PARTITIONS

_ANSWER_SECONDS = 3.0


def lag_of_group(bootstrap: str, group: str, topics: Sequence[str]) -> dict[str, dict[int, int]]:
    """Records after the group's committed offsets, by topic and partition; nothing of topics that are not there.

    The group is asked about and not joined. The embedded broker counts a batch of records as one.
    """
    consumer = Consumer(
        {"bootstrap.servers": bootstrap, "group.id": group, "enable.auto.commit": False, "log_level": 0}
    )
    try:
        return {topic: _lag(consumer, topic) for topic in topics}
    except KafkaException:
        return {}
    finally:
        consumer.close()


def _lag(consumer: Consumer, topic: str) -> dict[int, int]:
    found: dict[int, int] = {}
    asked = [TopicPartition(topic, partition) for partition in range(PARTITIONS)]
    for place in consumer.committed(asked, timeout=_ANSWER_SECONDS):
        low, high = consumer.get_watermark_offsets(place, timeout=_ANSWER_SECONDS)
        # Below 0 stands for: nothing was committed yet.
        found[place.partition] = max(0, high - (place.offset if place.offset >= 0 else low))
    return found
