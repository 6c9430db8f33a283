"""The sender's thread: takes events from the queue, writes their lines, and hands records to the transport.

Everything that costs time happens here: masking, hashing, content addressing, the chain, batching, and waiting for
a broker. The thread starts with the first event and is a daemon; at the interpreter's exit, where no thread can be
started any more, `close` does its work in the caller's thread.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Final

from watchkeeper.producers.losses import LossReason
from watchkeeper.producers.recording.boundary import Boundary, contained
from watchkeeper.producers.transport import SPOOLED, Delivery, Record, Transport
from watchkeeper.producers.transport.refusals import reason_of, tell_given_up, tell_stalled
from watchkeeper.producers.writing.batches import Batch, Batches
from watchkeeper.producers.writing.drafts import MaskFailedError
from watchkeeper.producers.writing.hostqueue import HostQueue, Item, Marker, Numbering
from watchkeeper.producers.writing.writer import TooLargeError
from watchkeeper.schemas.topics import EVENTS
from watchkeeper.schemas.wire import CANONICAL, WRITER_HEADER

if TYPE_CHECKING:
    from watchkeeper.producers.settings import Settings

IDLE_SECONDS: Final = 1.0
AWAITING_SECONDS: Final = 0.1
BURST: Final = 32
"""Events handled before anything else is looked at."""

GRACE_SECONDS: Final = 0.5
"""What `close` waits beyond its deadline for the thread to say that it is done."""

STALL_SECONDS: Final = 30.0
"""After which the log says that nothing arrives."""

_HEADERS: Final = ((WRITER_HEADER, CANONICAL),)


@dataclass(slots=True)
class Traffic:
    """What went through, in events on the wire (parts of long texts included) and records.

    Attributes:
        events: events handed to the transport.
        records: records handed to the transport.
        acknowledged_events: events that the other side acknowledged.
        acknowledged_records: records that the other side acknowledged.
        spooled_events: events left on disk when the sender was closed: another process sends them.
    """

    events: int = 0
    records: int = 0
    acknowledged_events: int = 0
    acknowledged_records: int = 0
    spooled_events: int = 0


def _not_all() -> bool:
    """The answer of `flush` and `close` where they themselves fail."""
    return False


class Sender:
    """Owns the transport, and the thread in which it is used."""

    def __init__(
        self,
        queue: HostQueue,
        transport: Transport,
        settings: Settings,
        boundary: Boundary,
        on_delivery: Callable[[Delivery], None] | None = None,
    ) -> None:
        self.traffic = Traffic()
        self._queue = queue
        self._transport = transport
        self._settings = settings
        self._boundary = boundary
        self._hook = on_delivery
        self._starting = threading.RLock()
        self._reset()

    def _reset(self) -> None:
        self._thread: threading.Thread | None = None
        self._batches = Batches(self._settings)
        self._deadline = float("inf")
        self._unacknowledged = 0
        self._undelivered = 0
        self._arrived_at = 0.0
        self._running = self._closing = self._over = False

    def ensure_running(self) -> None:
        """Starts the thread where it does not run. Never raises: events wait until it can be started."""
        if self._running:
            return
        with self._starting:
            if self._running or self._over:
                return
            starting = threading.Thread(target=self._run, name="watchkeeper-sender", daemon=True)
            self._running = True
            try:
                starting.start()
            except RuntimeError:
                # The interpreter is closing, or the process may have no more threads. `close` sends what waits.
                self._running = False
                return
            self._thread = starting

    def still_sending(self) -> bool:
        """Whether waiting for room in the queue can help."""
        self.ensure_running()
        return not self._over and time.monotonic() < self._deadline

    @contained(fallback=_not_all)
    def flush(self, seconds: float) -> bool:
        """Waits until everything queued before is acknowledged; False where the time was over or records were lost."""
        marker = Marker(time.monotonic() + seconds, self._undelivered)
        self._queue.mark(marker)
        self.ensure_running()
        if self._thread is None or self._over:
            return len(self._queue) == 0 and self._unacknowledged == 0
        marker.done.wait(seconds)
        return marker.delivered

    @contained(fallback=_not_all)
    def close(self, seconds: float) -> bool:
        """Sends what waits, until the deadline; ends the thread. What is left is counted as `unsent_at_close`."""
        with self._starting:
            if self._closing:
                return True
            self._closing = True
        marker = Marker(time.monotonic() + seconds, self._undelivered, last=True)
        self._deadline = marker.deadline
        self._queue.close(marker)
        thread = self._thread
        if thread is not None and thread.is_alive():
            marker.done.wait(seconds + GRACE_SECONDS)
        else:
            self._run()
        if left := len(self._queue):
            self._boundary.losses.add("unsent_at_close", left)
        return marker.delivered

    def after_fork(self) -> None:
        """In the child: the parent sends what it queued; the child begins with nothing."""
        self._starting = threading.RLock()
        self._queue.after_fork()
        self._transport.after_fork()
        self._reset()

    def _run(self) -> None:
        try:
            self._work()
        finally:
            self._running = False

    def _work(self) -> None:
        while not self._over:
            found = self._queue.take(self._patience())
            handled = 0
            while found is not None:
                self._handle(found)
                handled += 1
                found = None if self._over or handled == BURST else self._queue.take()
            if not self._over:
                self._send_due()
                self._poll()

    def _patience(self) -> float:
        waiting_ms = self._batches.wait_ms(_now_ms())
        patience = IDLE_SECONDS if waiting_ms is None else waiting_ms / 1000
        return min(patience, AWAITING_SECONDS) if self._unacknowledged else patience

    def _handle(self, found: Item | Marker) -> None:
        if isinstance(found, Marker):
            self._reach(found)
            return
        numbering = found.numbering
        if self._giving_up():
            self._undelivered += 1
            self._lose(numbering, "unsent_at_close")
            return
        try:
            written = numbering.writer.write(found, numbering.lost_in_all)
            self._send(self._batches.add(found, written, _now_ms()))
        except MaskFailedError:
            self._lose(numbering, "mask_failed")
        except TooLargeError:
            self._lose(numbering, "too_large")
        except Exception as error:  # noqa: BLE001 - one event must not end the thread
            numbering.lose("internal_error")
            self._boundary.caught(error, f"writing a {found.kind} event")

    def _reach(self, marker: Marker) -> None:
        left = 1
        try:
            self._send(self._batches.all(_now_ms()))
            left = self._transport.flush(max(0.0, marker.deadline - time.monotonic()))
            if marker.last:
                self._transport.close(max(0.0, marker.deadline - time.monotonic()))
        except Exception as error:  # noqa: BLE001 - whoever waits for the marker must not wait in vain
            self._boundary.caught(error, "flushing the transport")
        finally:
            self._over = self._over or marker.last
            marker.delivered = left == 0 and self._undelivered == marker.undelivered_before
            marker.done.set()

    def _send_due(self) -> None:
        try:
            self._send(self._batches.due(_now_ms(), behind=len(self._queue) > self._settings.busy_events))
        except Exception as error:  # noqa: BLE001 - the thread goes on; what waits is looked at again
            self._boundary.caught(error, "cutting records")

    def _send(self, batches: list[Batch]) -> None:
        for batch in batches:
            record = Record(EVENTS.name, batch.key, batch.value, _HEADERS, batch.release())
            if self._unacknowledged == 0:
                self._arrived_at = time.monotonic()
            self._unacknowledged += 1
            try:
                taken = self._transport.send(record, partial(self._delivered, batch), self._giving_up)
            except Exception as error:  # noqa: BLE001 - a record must not end the thread
                self._unacknowledged -= 1
                self._drop(batch, "delivery_failed")
                self._boundary.caught(error, "handing a record to the transport")
                continue
            if taken:
                self.traffic.records += 1
                self.traffic.events += record.events
            else:
                self._unacknowledged -= 1
                self._drop(batch, "unsent_at_close")

    def _poll(self) -> None:
        try:
            self._transport.poll()
        except Exception as error:  # noqa: BLE001 - the same
            self._boundary.caught(error, "polling the transport")
        silent = time.monotonic() - self._arrived_at
        if self._unacknowledged and silent > STALL_SECONDS:
            tell_stalled(self._boundary.quiet, silent, self._unacknowledged)

    def _delivered(self, batch: Batch, delivery: Delivery) -> None:
        self._unacknowledged -= 1
        if delivery.error == SPOOLED:
            self._undelivered += batch.events
            self.traffic.spooled_events += batch.events
        elif delivery.error:
            self._give_up(batch, delivery.error)
        else:
            self._arrived_at = time.monotonic()
            self.traffic.acknowledged_records += 1
            self.traffic.acknowledged_events += delivery.record.events
        if self._hook is not None:
            try:
                self._hook(delivery)
            except Exception as error:  # noqa: BLE001 - the host's callback
                self._boundary.caught(error, "on_delivery")

    def _give_up(self, batch: Batch, error: str) -> None:
        reason = reason_of(error)
        if reason == "delivery_failed" and self._giving_up():
            # Purged, because the time to close is over.
            reason = "unsent_at_close"
        else:
            tell_given_up(self._boundary.quiet, error, batch.events)
        self._drop(batch, reason)

    def _drop(self, batch: Batch, reason: LossReason) -> None:
        self._undelivered += batch.events
        batch.numbering.writer.forget(batch.addresses)
        self._lose(batch.numbering, reason, batch.events)

    def _lose(self, numbering: Numbering, reason: LossReason, events: int = 1) -> None:
        numbering.lose(reason, events)
        self._boundary.losses.add(reason, events)

    def _giving_up(self) -> bool:
        return time.monotonic() >= self._deadline


def _now_ms() -> float:
    return time.monotonic() * 1000
