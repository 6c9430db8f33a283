"""How a session obeys: who is heeded in which mode, and how it waits.

| mode | a worker's command | an operator's command |
|---|---|---|
| `observe` | noted in the attribute `watchkeeper.stop_requested` | the same |
| `warn` | the same; logged, and `on_stop` is called | enforced |
| `enforce` | enforced | enforced |

Enforced means: `terminate` ends the session and raises `SessionStoppedError` at the next call; `pause` holds what is
about to begin until a `resume` or the command's expiry; `slow_down` holds it for `Settings.slow_down_seconds`.
An operator's kill switch that did nothing in the default mode would be none, hence the right column; `observe` is
for agents whose run must not be touched at all.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Mapping
from typing import TYPE_CHECKING, Final

from watchkeeper.producers.boundary import LOG
from watchkeeper.producers.identity import system_clock
from watchkeeper.producers.orders import AT_EASE, OrderBoard, Scope, Standing

if TYPE_CHECKING:
    from watchkeeper.schemas.control import Control
    from watchkeeper.schemas.policy import Mode

WORKER: Final = "worker"


class Obedience:
    """What is in force for one session, looked up only when something changed.

    Args:
        board: the commands in force.
        scopes: whom a command must address to reach the session, nearest first, and the mode that holds for it: a
            command for a session above this one is obeyed by that session's mode.
    """

    def __init__(self, board: OrderBoard, scopes: Mapping[Scope, Mode]) -> None:
        self._board = board
        self._scopes = tuple(scopes)
        self._modes = scopes
        self._seen = -1
        self._standing = AT_EASE
        self._told: set[str] = set()
        self._warned_of_loop = False

    def standing(self) -> Standing:
        """What is in force now."""
        version = self._board.version
        if version != self._seen or self._standing is not AT_EASE:
            self._standing = self._board.standing(self._scopes, system_clock())
            self._seen = version
        return self._standing

    def enforces(self, order: Control | None) -> bool:
        """Whether the recorder itself carries the order out."""
        if order is None:
            return False
        mode = self.mode_for(order)
        return mode == "enforce" or (mode == "warn" and order.issued_by != WORKER)

    def mode_for(self, order: Control) -> Mode:
        """The mode by which the order is obeyed."""
        return self._modes[order.target.kind, order.target.id]

    def stop(self) -> Control | None:
        """The order to end, where it is to be carried out."""
        order = self.standing().terminate
        return order if self.enforces(order) else None

    def held(self) -> bool:
        """Whether the session is paused."""
        return self.enforces(self.standing().pause)

    def slowed(self) -> bool:
        """Whether it was told to slow down."""
        return self.enforces(self.standing().slow_down)

    def news(self) -> list[Control]:
        """Orders that the host was not told of yet."""
        standing = self.standing()
        orders = (standing.terminate, standing.pause, standing.slow_down)
        fresh = [order for order in orders if order is not None and order.command_id not in self._told]
        self._told.update(order.command_id for order in fresh)
        return fresh

    def wait(self, poll_seconds: float, slow_seconds: float) -> None:
        """Holds the caller while the session is paused, and a moment where it was told to slow down.

        Ends when the pause is lifted or expires, or when the session is to end. Never holds an event loop: there
        `acheck` does.
        """
        if self.standing() is AT_EASE or not (self.held() or self.slowed()):
            return
        if _in_event_loop():
            self._say_how()
            return
        if self.slowed():
            time.sleep(slow_seconds)
        while self.held() and self.stop() is None:
            time.sleep(poll_seconds)

    async def wait_async(self, poll_seconds: float, slow_seconds: float) -> None:
        """`wait` for coroutines."""
        if self.standing() is AT_EASE:
            return
        if self.slowed():
            await asyncio.sleep(slow_seconds)
        while self.held() and self.stop() is None:  # noqa: ASYNC110 - commands arrive in a thread, not in the loop
            await asyncio.sleep(poll_seconds)

    def _say_how(self) -> None:
        if not self._warned_of_loop:
            self._warned_of_loop = True
            LOG.warning("A session was paused, but its calls run in an event loop: put `await s.acheck()` before them.")


def _in_event_loop() -> bool:
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return False
    return True
