"""Whether the worker still does its work, and the thread that ends it where it does not.

A worker whose store or broker is away waits: starting it again would not help. It is stalled where nothing is away and
still nothing moves. A process in which not even this thread runs is found by the supervisor, from outside.
"""

from __future__ import annotations

import logging
import os
import sys
import threading
import time
import traceback
from collections.abc import Callable
from dataclasses import dataclass

log = logging.getLogger(__name__)

GRACE_SECONDS = 5.0
MOST_MARKERS = 10
"""Records that may stand in the log and never come: the marks of producers' transactions."""
STEP_SECONDS = 1.0
EXIT_STALLED = 79
"""The worker found itself stalled; the supervisor starts it again."""


@dataclass(frozen=True, slots=True)
class StallLimits:
    """After how many seconds without movement a worker counts as stalled.

    Attributes:
        loop: the event loop turns at least this often; a batch takes 50 ms of it.
        fetch: a fetch is answered within a second, also where there is nothing new; and what is in the log is taken.
        rebalance: how long the consumer group may be shared out anew.
    """

    loop: float = 20.0
    fetch: float = 60.0
    rebalance: float = 120.0


class Liveness:
    """What was last seen to move. All moments are seconds of the monotonic clock; any thread may call.

    Attributes:
        waiting: which sides are away, by name.
    """

    def __init__(self, now: Callable[[], float] = time.monotonic, limits: StallLimits = StallLimits()) -> None:
        self._now, self._limits = now, limits
        self._under_way: dict[str, int] = {}
        self.waiting: dict[str, bool] = {"store": False, "broker": False}
        self.restart()

    def restart(self) -> None:
        """Forgets what was seen: the process itself was stopped for a while."""
        now = self._now()
        self._beat = now
        self._fetched: dict[str, float] = {}
        self._behind_since: dict[str, float] = {}
        self._recovered = 0.0
        self._rebalancing_since: float | None = None
        self._broker_answered = 0.0

    def beat(self) -> None:
        """The event loop turned."""
        self._beat = self._now()

    def fetched(self, topic: str) -> None:
        """The broker answered the consumer."""
        self._fetched[topic] = self._now()

    def released(self, topic: str) -> None:
        """No partition of the topic is in hand: no answer is due."""
        self._fetched.pop(topic, None)
        self._behind_since.pop(topic, None)

    def moved(self, topic: str) -> None:
        """Records were taken from the topic, or others are to be taken now."""
        self._behind_since.pop(topic, None)

    def behind(self, topic: str, records: int) -> None:
        """How many records stand in the log that were not taken; to be told again and again."""
        if records <= MOST_MARKERS:
            self._behind_since.pop(topic, None)
        else:
            self._behind_since.setdefault(topic, self._now())

    def rebalancing(self, *, is_so: bool) -> None:
        """Whether the group is being shared out anew."""
        if not is_so:
            self._rebalancing_since = None
        elif self._rebalancing_since is None:
            self._rebalancing_since = self._now()

    def broker_answered(self) -> None:
        """The broker answered someone else than the consumer."""
        self._broker_answered = self._now()

    def begin(self, side: str) -> None:
        """A call to the broker or the store is under way."""
        self._under_way[side] = self._under_way.get(side, 0) + 1

    def end(self, side: str, *, ok: bool) -> None:
        """It has ended; where it failed, its side counts as away until one does not."""
        self._under_way[side] -= 1
        if ok and self.waiting[side]:
            self._recovered = self._now()
        self.waiting[side] = not ok

    def is_fetch_late(self, seconds: float) -> bool:
        """Whether a consumer has waited for an answer for so long."""
        return any(self._now() - at > seconds for at in tuple(self._fetched.values()))

    def waits_for(self) -> list[str]:
        """The sides that are away."""
        return sorted(side for side, away in self.waiting.items() if away)

    def problem(self) -> str:
        """Why the worker is stalled; empty where it is not."""
        now = self._now()
        if now - self._beat > self._limits.loop:
            return f"the event loop has not turned for {now - self._beat:.0f} s"
        if any(self.waiting.values()) or any(tuple(self._under_way.values())):
            return ""
        since = self._rebalancing_since
        if since is None:
            return self._fetch_problem(now) or self._stream_problem(now)
        if now - since > self._limits.rebalance and self._broker_answered > since:
            return f"the consumer group has been rebalancing for {now - since:.0f} s though the broker answers"
        return ""

    def _fetch_problem(self, now: float) -> str:
        limit = self._limits.fetch
        for topic, fetched in tuple(self._fetched.items()):
            # What stood still while a side was away has so long again to begin.
            at = max(fetched, self._recovered)
            # Only an answer to somebody else, later than the silence began, tells a stalled consumer from a broker
            # that is away.
            if now - at > limit and self._broker_answered > at + limit / 2:
                return f"no fetch of {topic} was answered for {now - at:.0f} s though the broker answers others"
        return ""

    def _stream_problem(self, now: float) -> str:
        for topic, since in tuple(self._behind_since.items()):
            quiet = now - max(since, self._recovered)
            if quiet > self._limits.fetch:
                return f"nothing of {topic} was taken for {quiet:.0f} s though records wait in the log"
        return ""


class Watchdog:
    """Looks at the liveness every second, from a thread of its own.

    Args:
        end: ends the process.
        now: seconds of the monotonic clock.
    """

    def __init__(
        self,
        liveness: Liveness,
        end: Callable[[int], None] = os._exit,
        now: Callable[[], float] = time.monotonic,
    ) -> None:
        self._liveness = liveness
        self._end, self._now = end, now
        self._seen = now()
        self._stalled_since: float | None = None
        self.problem = ""

    def start(self) -> None:
        """Begins to look."""
        threading.Thread(target=self._run, name="watchdog", daemon=True).start()

    def step(self) -> None:
        """Looks once."""
        now = self._now()
        if now - self._seen > 5 * STEP_SECONDS:
            # Not the loop alone but this thread, too, did not run: the process was stopped and goes on.
            self._liveness.restart()
        self._seen = now
        self.problem = self._liveness.problem()
        if not self.problem:
            self._stalled_since = None
        elif self._stalled_since is None:
            self._stalled_since = now
            log.critical("the worker is stalled: %s; its threads:\n%s", self.problem, stacks())
        elif now - self._stalled_since > GRACE_SECONDS:
            log.critical("the worker is still stalled and ends: %s", self.problem)
            # No `logging.shutdown()`: a thread that hangs may hold a handler's lock.
            self._end(EXIT_STALLED)

    def _run(self) -> None:
        while True:
            time.sleep(STEP_SECONDS)
            self.step()


def stacks() -> str:
    """Where every thread stands, the main one first: files, lines and code, no values."""
    names = {thread.ident: thread.name for thread in threading.enumerate()}
    # The event loop is the main thread's: a log that cuts long lines must not cut that.
    main = threading.main_thread().ident
    frames = sys._current_frames().items()  # noqa: SLF001 - the documented way to other threads' frames
    return "\n".join(
        f"thread {names.get(ident, ident)}:\n{''.join(traceback.format_stack(frame))}"
        for ident, frame in sorted(frames, key=lambda one: one[0] != main)
    )
