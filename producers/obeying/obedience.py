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

from watchkeeper.producers.identity import system_clock
from watchkeeper.producers.obeying.orders import WORKER, OrderBoard, Scope
from watchkeeper.producers.recording.boundary import LOG

if TYPE_CHECKING:
    from watchkeeper.schemas.control import Action, Control
    from watchkeeper.schemas.policy import Mode

TOLD: Final[frozenset[Action]] = frozenset({"terminate", "pause", "slow_down"})
_CIRCUIT: Final[frozenset[Action]] = frozenset({"circuit_open"})


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
        self._orders: tuple[Control, ...] = ()
        self._told: set[str] = set()
        self._warned_of_loop = False

    def orders(self) -> tuple[Control, ...]:
        """What is in force now, nearest first."""
        version = self._board.version
        if version != self._seen or self._orders:
            self._orders = self._board.in_force(self._scopes, system_clock())
            self._seen = version
        return self._orders

    def enforces(self, order: Control) -> bool:
        """Whether the recorder itself carries the order out."""
        mode = self.mode_for(order)
        return mode == "enforce" or (mode == "warn" and order.issued_by != WORKER)

    def mode_for(self, order: Control) -> Mode:
        """The mode by which the order is obeyed."""
        return self._modes[order.target.kind, order.target.id]

    def stop(self) -> Control | None:
        """The order to end, where one is to be carried out."""
        return self._enforced("terminate")

    def stop_asked(self) -> Control | None:
        """An order to end, carried out or not."""
        return self.stop() or next((order for order in self.orders() if order.action == "terminate"), None)

    def held(self) -> bool:
        """Whether the session is paused."""
        return self._enforced("pause") is not None

    def slowed(self) -> bool:
        """Whether it was told to slow down."""
        return self._enforced("slow_down") is not None

    def circuit_open(self, tool_name: str) -> bool:
        """Whether the tool's circuit is open, in whatever mode: it is the host that asks."""
        return bool(self._circuits(tool_name))

    def fallback(self, tool_name: str) -> str | None:
        """What to do while the tool's circuit is open: empty where nobody named anything, None where it is closed."""
        circuits = self._circuits(tool_name)
        return next((order.fallback for order in circuits if order.fallback), "" if circuits else None)

    def _circuits(self, tool_name: str) -> list[Control]:
        return [order for order in self.orders() if order.action == "circuit_open" and order.tool_name == tool_name]

    def news(self) -> list[Control]:
        """Orders that the host was not told of yet."""
        return self._fresh(TOLD)

    def opened(self) -> list[Control]:
        """Circuits that were opened, and of which the log does not tell yet."""
        return [order for order in self._fresh(_CIRCUIT) if self.mode_for(order) != "observe"]

    def _fresh(self, actions: frozenset[Action]) -> list[Control]:
        fresh = [order for order in self.orders() if order.action in actions and order.command_id not in self._told]
        self._told.update(order.command_id for order in fresh)
        return fresh

    def _enforced(self, action: Action) -> Control | None:
        return next((order for order in self.orders() if order.action == action and self.enforces(order)), None)

    def wait(self, poll_seconds: float, slow_seconds: float) -> None:
        """Holds the caller while the session is paused, and a moment where it was told to slow down.

        Ends when the pause is lifted or expires, or when the session is to end. Never holds an event loop: there
        `acheck` does.
        """
        if not self.orders() or not (self.held() or self.slowed()):
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
        if not self.orders():
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
