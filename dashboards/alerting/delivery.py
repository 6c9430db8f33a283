"""The threads that send: one for each channel, so that one that is slow holds up no other.

They outlive a router that begins anew because its store was away: what was sent meanwhile is not sent again.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from queue import SimpleQueue
from typing import TypeAlias

from watchkeeper.dashboards.alerting.channels.making import Sending
from watchkeeper.dashboards.alerting.message import Message
from watchkeeper.dashboards.alerting.ports import Answer

_LOG = logging.getLogger("watchkeeper.alerts")


@dataclass(frozen=True, slots=True)
class Sent:
    """A message and what its channel said."""

    channel: str
    message: Message
    answer: Answer
    seconds: float


Answered: TypeAlias = Callable[[Sent], None]
_Queue: TypeAlias = SimpleQueue[tuple[Message, Answered | None] | None]


class Delivery:
    """See the module.

    Args:
        channels: by name.
        hidden: takes secrets out of what channels answer.
    """

    def __init__(self, channels: Mapping[str, Sending], hidden: Callable[[str], str] = str) -> None:
        self._hidden = hidden
        self._queues: dict[str, _Queue] = {name: SimpleQueue() for name in channels}
        self._lock = threading.Condition()
        self._under_way: dict[str, str] = {}
        self._sent: dict[str, Sent] = {}
        self._threads: list[threading.Thread] = []
        for name, channel in channels.items():
            args = (name, channel, self._queues[name])
            self._threads.append(threading.Thread(target=self._run, args=args, name=f"alerts-{name}", daemon=True))
        for thread in self._threads:
            thread.start()

    @property
    def names(self) -> frozenset[str]:
        """The channels."""
        return frozenset(self._queues)

    def idle(self, channel: str) -> bool:
        """Whether a channel has nothing to do."""
        with self._lock:
            return channel not in self._under_way.values()

    def has(self, notice_id: str) -> bool:
        """Whether a notice is under way, or was sent and its answer is still here."""
        with self._lock:
            return notice_id in self._under_way or notice_id in self._sent

    def submit(self, channel: str, message: Message, answered: Answered | None = None) -> None:
        """Hands a message to its channel's thread.

        Args:
            channel: by name.
            message: what is sent.
            answered: called in that thread with what came back, which then is not among `answers`.
        """
        with self._lock:
            self._under_way[message.notice_id] = channel
        self._queues[channel].put((message, answered))

    def answers(self) -> list[Sent]:
        """What came back and was not forgotten yet."""
        with self._lock:
            return list(self._sent.values())

    def forget(self, notice_id: str) -> None:
        """The answer is kept elsewhere."""
        with self._lock:
            self._sent.pop(notice_id, None)

    def wait(self, seconds: float) -> None:
        """Waits for an answer, but no longer than that."""
        with self._lock:
            if not self._sent:
                self._lock.wait(seconds)

    def drain(self, seconds: float) -> bool:
        """Waits until nothing is under way; False where that took longer."""
        deadline = time.monotonic() + seconds
        with self._lock:
            while self._under_way:
                left = deadline - time.monotonic()
                if left <= 0:
                    return False
                self._lock.wait(left)
        return True

    def close(self) -> None:
        """Ends the threads that have nothing to do; one that sends still is left to itself."""
        for queue in self._queues.values():
            queue.put(None)
        for thread in self._threads:
            thread.join(0.5)
        self._threads.clear()

    def _run(self, name: str, channel: Sending, queue: _Queue) -> None:
        while (handed := queue.get()) is not None:
            message, answered = handed
            began = time.monotonic()
            try:
                answer = channel.send(message)
            except Exception as error:  # noqa: BLE001 - see below
                # A bug in one channel must not silence it: it is an answer like others, and told as such.
                # Without its text and its stack, in which a secret may stand.
                _LOG.error("channel %s failed: %s", name, type(error).__name__)
                answer = Answer(ok=False, text=f"internal error: {type(error).__name__}")
            answer = replace(answer, text=self._hidden(answer.text))
            sent = Sent(name, message, answer, time.monotonic() - began)
            if answered is not None:
                answered(sent)
            with self._lock:
                self._under_way.pop(message.notice_id, None)
                if answered is None:
                    self._sent[message.notice_id] = sent
                self._lock.notify_all()
