"""How commands reach a session and what becomes of them there."""

from __future__ import annotations

from abc import abstractmethod
from typing import TYPE_CHECKING, NoReturn

from watchkeeper.producers.recording.boundary import LOG, contained, nothing
from watchkeeper.producers.recording.telling import Telling
from watchkeeper.producers.stops import StopOrder
from watchkeeper.producers.writing.headers import STOP_ATTRIBUTE
from watchkeeper.schemas.errors import SessionStoppedError

if TYPE_CHECKING:
    import threading

    from watchkeeper.producers.obeying.obedience import Obedience
    from watchkeeper.producers.recording.recorder import Recorder
    from watchkeeper.schemas.control import Control


class Heeding(Telling):
    """The methods by which a host asks, and by which it is told, whether it may go on."""

    session_id: str
    _recorder: Recorder
    _obedience: Obedience
    _lock: threading.RLock
    _stopped_by: Control | None = None

    @abstractmethod
    def annotate(self, /, **attributes: str | float) -> None:
        """Sets attributes of later events."""

    @abstractmethod
    def _end_stopped(self, reason: str) -> None:
        """Records the end."""

    @property
    def stop_requested(self) -> StopOrder | None:
        """The command to end this session, in whatever mode; None where there is none. For hosts that ask."""
        order = self._stopped_by or self._obedience.stop_asked()
        return None if order is None else self._stop_order(order)

    def circuit_open(self, tool_name: str) -> bool:
        """Whether calls to this tool should not be made now: it was found to be failing."""
        return self._obedience.circuit_open(tool_name)

    def fallback(self, tool_name: str) -> str | None:
        """What to do instead of calling this tool now, in the words of the agent's policy (`tools[name].fallback`).

        None where the tool may be called; empty where its circuit is open and the policy names nothing.

            if (instead := s.fallback("lookup")) is not None:
                return instead or "Orders cannot be looked up at the moment."
        """
        return self._obedience.fallback(tool_name)

    def check(self) -> None:
        """Waits while the session is paused, and raises where it was stopped. The recording methods do so too.

        Raises:
            SessionStoppedError: the session was told to stop, and its policy's mode enforces that.
        """
        settings = self._recorder.settings
        self._obedience.wait(settings.pause_poll_ms / 1000, settings.slow_down_seconds)
        self._raise_if_stopped()

    async def acheck(self) -> None:
        """`check` for coroutines: waits without holding the event loop.

        Raises:
            SessionStoppedError: see `check`.
        """
        settings = self._recorder.settings
        await self._obedience.wait_async(settings.pause_poll_ms / 1000, settings.slow_down_seconds)
        self._raise_if_stopped()

    @contained(fallback=nothing)
    def notice(self) -> None:
        """Looks at what is in force now, and tells the host of what is new. The recorder calls it."""
        with self._lock:
            orders = self._obedience.news()
            opened = self._obedience.opened()
        for order in opened:
            LOG.warning(
                "Session %s: the circuit of the tool %s is open (%s). Without it: %s",
                self.session_id,
                order.tool_name,
                order.reason,
                order.fallback or "the policy names no fallback; ask `session.circuit_open(tool)` before each call",
            )
        for order in orders:
            enforced = self._obedience.enforces(order)
            if order.action == "terminate" and not enforced:
                self.annotate(**{STOP_ATTRIBUTE: order.command_id})
            if self._obedience.mode_for(order) == "observe":
                continue
            LOG.warning(
                "Session %s was told to %s by %s (%s): %s",
                self.session_id,
                order.action,
                order.issued_by,
                "it is carried out" if enforced else "the policy's mode lets it go on",
                order.reason,
            )
            self._recorder.tell(self._stop_order(order))

    def _raise_if_stopped(self) -> None:
        order = self._stopped_by
        if order is None and self._obedience.orders():
            order = self._obedience.stop()
        if order is not None:
            self._stop(order)

    def _stop(self, order: Control) -> NoReturn:
        # Before the session ends: the reader, which may be about to tell of it, passes ended sessions over.
        self.notice()
        self._stopped_by = order
        self._end_stopped(order.reason)
        raise SessionStoppedError(
            self.session_id, order.reason, finding_id=order.finding_id, best_answer=self._best_answer
        )

    def _stop_order(self, order: Control) -> StopOrder:
        return StopOrder(
            session_id=self.session_id,
            action=order.action,
            reason=order.reason,
            issued_by=order.issued_by,
            finding_id=order.finding_id,
            best_answer=self._best_answer,
            enforced=self._obedience.enforces(order),
        )
