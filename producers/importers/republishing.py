"""Sends our own events again, line by line and byte for byte.

They keep their ids, numbers, chains and times, and their origin: changing it would break the chain. So they are
judged as what they say they are. Lines of one session stay in order; records hold several of them.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import partial
from typing import Final

from watchkeeper.producers.importers.forms import OwnEvent
from watchkeeper.producers.importers.ledger import Ledger, WriterKey
from watchkeeper.producers.transport import Record, Transport
from watchkeeper.schemas.errors import BusUnavailableError
from watchkeeper.schemas.topics import EVENTS
from watchkeeper.schemas.wire import record_key

RECORD_EVENTS: Final = 64
RECORD_BYTES: Final = 64 * 1024
MOST_OPEN: Final = 1000
"""Sessions whose records are being filled; beyond it the one begun first is sent."""


@dataclass(slots=True)
class _Filling:
    """A record that is being filled."""

    lines: list[bytes] = field(default_factory=list)
    events: list[tuple[WriterKey, str, str]] = field(default_factory=list)
    size: int = 0


class Republisher:
    """Sends events over a transport of its own, from one thread."""

    def __init__(self, transport: Transport, ledger: Ledger) -> None:
        self._transport = transport
        self._ledger = ledger
        self._open: dict[bytes, _Filling] = {}

    def add(self, own: OwnEvent) -> None:
        """Takes an event."""
        event = own.event
        key = record_key(event.tenant_id, event.session_id)
        filling = self._open.get(key)
        if filling is not None and filling.size + len(own.raw) > RECORD_BYTES:
            self._send(key)
            filling = None
        if filling is None:
            filling = self._open[key] = _Filling()
        filling.lines.append(own.raw)
        writer = WriterKey(event.tenant_id, event.session_id, event.writer_id)
        filling.events.append((writer, event.type, event.event_id))
        filling.size += len(own.raw) + 1
        if len(filling.lines) >= RECORD_EVENTS:
            self._send(key)
        elif len(self._open) > MOST_OPEN:
            self._send(next(iter(self._open)))

    def close(self, seconds: float) -> None:
        """Sends what waits; the ledger says what was acknowledged within so many seconds."""
        for key in list(self._open):
            self._send(key)
        self._transport.close(seconds)

    def _send(self, key: bytes) -> None:
        filling = self._open.pop(key)
        # No header says that the lines are canonical: others may have written them.
        record = Record(EVENTS.name, key, b"\n".join(filling.lines), (), len(filling.lines))
        if not self._transport.send(record, partial(self._ledger.republished, filling.events), lambda: False):
            raise BusUnavailableError(f"the broker took no record of session {key.decode()}: import the file again")
        self._transport.poll()
