"""What goes wrong between an agent and the broker: events lost on the way, texts rewritten."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Protocol

import orjson

from watchkeeper.producers.transport import Delivery, OnDelivery, Record, Transport
from watchkeeper.schemas.events import EventType
from watchkeeper.schemas.wire import split_lines


class Fault(Protocol):
    """Something that befalls one session's events."""

    def __call__(self) -> Callable[[bytes], bytes | None]:
        """What befalls the lines of one run, in order: each comes out as it is, changed, or not at all."""


@dataclass(frozen=True, slots=True)
class Drop:
    """The first event of a type is lost.

    Attributes:
        kind: its type.
    """

    kind: EventType

    def __call__(self) -> Callable[[bytes], bytes | None]:
        """See `Fault`."""
        lost = False

        def befall(line: bytes) -> bytes | None:
            nonlocal lost
            if lost or orjson.loads(line)["type"] != self.kind:
                return line
            lost = True
            return None

        return befall


@dataclass(frozen=True, slots=True)
class Tamper:
    """A text is rewritten, and the address that it travels under is not."""

    text: str
    instead: str

    def __call__(self) -> Callable[[bytes], bytes | None]:
        """See `Fault`."""
        return lambda line: line.replace(self.text.encode(), self.instead.encode())


class FaultyTransport:
    """A transport on whose way a fault waits. Everything else is the real one's."""

    def __init__(self, inner: Transport, fault: Fault) -> None:
        self._inner = inner
        self._befall = fault()

    def send(self, record: Record, on_delivery: OnDelivery, give_up: Callable[[], bool]) -> bool:
        """See `Transport.send`. What is lost here was acknowledged: the agent does not know."""
        lines = [changed for line in split_lines(record.value) if (changed := self._befall(line)) is not None]
        if not lines:
            on_delivery(Delivery(record, "", 0, 0))
            return True
        sent = replace(record, value=b"\n".join(lines), events=len(lines))
        return self._inner.send(sent, lambda told: on_delivery(replace(told, record=record)), give_up)

    def poll(self) -> None:
        """See `Transport.poll`."""
        self._inner.poll()

    def flush(self, seconds: float) -> int:
        """See `Transport.flush`."""
        return self._inner.flush(seconds)

    def close(self, seconds: float) -> None:
        """See `Transport.close`."""
        self._inner.close(seconds)

    def after_fork(self) -> None:
        """See `Transport.after_fork`."""
        self._inner.after_fork()
