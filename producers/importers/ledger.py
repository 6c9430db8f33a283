"""What an import produced, event by event: only what the broker acknowledged counts."""

from __future__ import annotations

import re
import threading
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from watchkeeper.producers.transport import Delivery
from watchkeeper.schemas.wire import split_lines

_TYPE: Final = re.compile(rb'"type":"([a-z_]+)"')
_WRITER: Final = re.compile(rb'"writer_id":"([^"\\]+)"')


@dataclass(frozen=True, slots=True)
class WriterKey:
    """A writer of a session: what events are counted by."""

    tenant_id: str
    session_id: str
    writer_id: str


class Ledger:
    """Counts deliveries. Safe to use from any thread.

    Attributes:
        events: events acknowledged, by type.
        writers: events acknowledged, by writer.
        records: records acknowledged.
        refused: events that were given up, and why for the last of them.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._own: set[str] = set()
        self.events: Counter[str] = Counter()
        self.writers: Counter[WriterKey] = Counter()
        self.records = 0
        self.refused = 0
        self.why_refused = ""

    @property
    def produced(self) -> int:
        """Events acknowledged, of all types."""
        return sum(self.events.values())

    def told(self, delivery: Delivery) -> None:
        """Takes in what became of a record that the recorder wrote: its lines are canonical."""
        if self._is_refused(delivery):
            return
        tenant_id, _, session_id = delivery.record.key.decode().partition("/")
        with self._lock:
            self.records += 1
            for line in split_lines(delivery.record.value):
                kind, writer = _TYPE.search(line), _WRITER.search(line)
                assert kind is not None
                assert writer is not None
                self.events[kind.group(1).decode()] += 1
                self.writers[WriterKey(tenant_id, session_id, writer.group(1).decode())] += 1

    def republished(self, events: Sequence[tuple[WriterKey, str, str]], delivery: Delivery) -> None:
        """Takes in what became of a record of our own events.

        Args:
            events: writer, type and id of each; one that was sent before is not counted again.
            delivery: what became of the record.
        """
        if self._is_refused(delivery):
            return
        with self._lock:
            self.records += 1
            for writer, kind, event_id in events:
                if event_id not in self._own:
                    self._own.add(event_id)
                    self.events[kind] += 1
                    self.writers[writer] += 1

    def _is_refused(self, delivery: Delivery) -> bool:
        if not delivery.error:
            return False
        with self._lock:
            self.refused += delivery.record.events
            self.why_refused = delivery.error
        return True
