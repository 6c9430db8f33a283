"""What can be set on the recorder, with the defaults that suit an agent in production."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Final

from watchkeeper.schemas.errors import ConfigurationError

KIB: Final = 1024
MIB: Final = 1024 * KIB

MAX_RECORD_BYTES: Final = 900 * KIB
"""No record of ours is larger: brokers take 1 MiB unless somebody raised the limit."""

BOOTSTRAP_VARIABLE: Final = "WATCHKEEPER_KAFKA_BOOTSTRAP"
DISABLED_VARIABLE: Final = "WATCHKEEPER_DISABLED"
SPOOL_VARIABLE: Final = "WATCHKEEPER_SPOOL_DIR"
ENVIRONMENT_VARIABLE: Final = "WATCHKEEPER_ENVIRONMENT"

_ABOVE_0: Final = (
    "queue_events",
    "queue_bytes",
    "event_bytes",
    "record_bytes",
    "record_events",
    "buffer_bytes",
    "spool_bytes",
)


@dataclass(frozen=True, slots=True)
class Settings:
    """Limits and waits.

    Attributes:
        queue_events: events that wait between the agent and the sender's thread; the next one is dropped.
        queue_bytes: the same in bytes of payload.
        event_bytes: one event's payload; a larger one is dropped (`too_large`).
        record_bytes: a record is sent when it holds this many bytes.
        record_events: or this many events.
        linger_ms: or when its first event has waited this long.
        busy_linger_ms: how long instead while the sender is behind (`busy_events` wait): fuller records are what
            lets a worker catch up.
        busy_events: the depth of the queue from which the sender counts as behind.
        exit_seconds: how long the interpreter's exit waits for events to leave.
        delivery_seconds: after which the transport gives a record up; 0 never gives up.
        buffer_bytes: what the Kafka client keeps unacknowledged.
        spool_dir: where records wait on disk until they have arrived; `WATCHKEEPER_SPOOL_DIR` without it, and no
            spool where neither says one. With a spool no record is given up by time: `delivery_seconds` says nothing.
        spool_bytes: what one process keeps there; the newest is dropped beyond it (`spool_full`).
        pause_poll_ms: how often a paused session looks whether it may go on.
        slow_down_seconds: how long a session that was told to slow down waits before each request and call.
    """

    queue_events: int = 10_000
    queue_bytes: int = 64 * MIB
    event_bytes: int = 32 * MIB
    record_bytes: int = 64 * KIB
    record_events: int = 64
    linger_ms: int = 50
    busy_linger_ms: int = 250
    busy_events: int = 256
    exit_seconds: float = 2.0
    delivery_seconds: float = 120.0
    buffer_bytes: int = 64 * MIB
    spool_dir: str | Path | None = None
    spool_bytes: int = 256 * MIB
    pause_poll_ms: int = 100
    slow_down_seconds: float = 1.0

    def __post_init__(self) -> None:
        for name in _ABOVE_0:
            if getattr(self, name) < 1:
                raise ConfigurationError(f"Settings.{name} is {getattr(self, name)}: give a number above 0")
        if self.event_bytes > self.queue_bytes:
            raise ConfigurationError(
                f"Settings.event_bytes {self.event_bytes} is above queue_bytes {self.queue_bytes}: "
                "an event that cannot be queued can never be sent"
            )
        if self.record_bytes > MAX_RECORD_BYTES:
            raise ConfigurationError(
                f"Settings.record_bytes {self.record_bytes} is above {MAX_RECORD_BYTES}, the largest record we send"
            )
        if self.busy_linger_ms < self.linger_ms:
            raise ConfigurationError(
                f"Settings.busy_linger_ms {self.busy_linger_ms} is below linger_ms {self.linger_ms}: raise it"
            )
