"""The topics, as data: who reads what, how long it is kept, how it is cut.

Partitions are fixed from the start: changing them moves sessions between partitions and is an offline command.
Every producer partitions by murmur2 of the key (Java's default; confluent-kafka needs `partitioner=murmur2_random`).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

PARTITIONS = 12
PARTITIONER = "murmur2_random"
DAY_MS = 86_400_000
MIB = 1024 * 1024

MAX_RECORD_BYTES = 8 * MIB
"""The largest record of `agent.events` that the broker takes. Our own SDK stays below 1 MiB."""


@dataclass(frozen=True, slots=True)
class Topic:
    """One topic.

    Attributes:
        name: its name on the broker.
        key: what its records are keyed by.
        partitions: how many.
        retention_ms: how long records are kept, in milliseconds.
        max_message_bytes: the largest record.
        cleanup: `delete` by age, or `compact` to the last record of each key.
        stamped: whose clock a record's time is: `LogAppendTime` is the broker's, when it arrived.
    """

    name: str
    key: str
    partitions: int = PARTITIONS
    retention_ms: int = 7 * DAY_MS
    max_message_bytes: int = 1 * MIB
    cleanup: Literal["delete", "compact"] = "delete"
    stamped: Literal["CreateTime", "LogAppendTime"] = "CreateTime"

    @property
    def config(self) -> dict[str, str]:
        """The broker's settings for this topic."""
        return {
            "retention.ms": str(self.retention_ms),
            "max.message.bytes": str(self.max_message_bytes),
            "cleanup.policy": self.cleanup,
            "message.timestamp.type": self.stamped,
        }


EVENTS = Topic("agent.events", "tenant_id/session_id", max_message_bytes=MAX_RECORD_BYTES, stamped="LogAppendTime")
SIGNALS = Topic("agent.signals", "subject")
FINDINGS = Topic("agent.findings", "tenant_id/session_id or subject", retention_ms=30 * DAY_MS)
CONTROL = Topic("agent.control", "tenant_id/target", partitions=1, retention_ms=DAY_MS)
GRANTS = Topic("agent.grants", "tenant_id/grant_id", partitions=1, cleanup="compact")
SCORES = Topic("agent.scores", "score:tenant/origin/agent", retention_ms=30 * DAY_MS)
DEAD_LETTER = Topic(
    "agent.dead-letter", "source topic/partition", retention_ms=30 * DAY_MS, max_message_bytes=2 * MAX_RECORD_BYTES
)

TOPICS: tuple[Topic, ...] = (EVENTS, SIGNALS, FINDINGS, CONTROL, GRANTS, SCORES, DEAD_LETTER)
