"""What the sessions of one `Watchkeeper` share: the queue, the sender, the commands in force, the live sessions."""

from __future__ import annotations

import threading
import weakref
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from watchkeeper.producers.identity import Identity, system_clock
from watchkeeper.producers.obeying.orders import OrderBoard
from watchkeeper.producers.recording.boundary import LOG, Boundary
from watchkeeper.producers.writing.drafts import Filters
from watchkeeper.producers.writing.hostqueue import HostQueue, Item, Numbering
from watchkeeper.producers.writing.sender import Sender
from watchkeeper.producers.writing.writer import Writer
from watchkeeper.schemas.control import Control

if TYPE_CHECKING:
    from watchkeeper.producers.masking import Maskers
    from watchkeeper.producers.settings import Settings
    from watchkeeper.producers.stops import OnStop, StopOrder
    from watchkeeper.producers.transport import Delivery, Transport
    from watchkeeper.schemas.policy import Masking


class Commanded(Protocol):
    """A live session, as commands reach it."""

    def notice(self) -> None:
        """Looks at what is in force now, and tells the host of what is new. Called from any thread."""

    def after_fork(self) -> None:
        """In the child of a fork: becomes a writer of its own."""


class Listener(Protocol):
    """What brings commands from elsewhere."""

    def ensure_running(self) -> None:
        """Starts listening, where it does not already."""

    def close(self, seconds: float) -> None:
        """Ends."""

    def after_fork(self) -> None:
        """In the child of a fork: forgets what the parent's threads hold."""


@dataclass(frozen=True, slots=True)
class Ways:
    """What happens to events on their way, and who is told.

    Attributes:
        maskers: makes the maskers of sessions; None where nothing is masked.
        on_stop: told of commands that reach a session.
        on_delivery: told of what became of each record, in the sender's thread.
        block: wait for room instead of dropping: for importers, which are nobody's host.
    """

    maskers: Maskers | None = None
    on_stop: OnStop | None = None
    on_delivery: Callable[[Delivery], None] | None = None
    block: bool = False


class Recorder:
    """See the module. One per `Watchkeeper`.

    Attributes:
        board: commands in force.
        listener: brings commands from the broker; None where there is none.
    """

    def __init__(self, tenant_id: str, settings: Settings, boundary: Boundary, ways: Ways) -> None:
        self.settings = settings
        self.boundary = boundary
        self.board = OrderBoard(tenant_id)
        self.listener: Listener | None = None
        self._ways = ways
        self._live: weakref.WeakValueDictionary[int, Commanded] = weakref.WeakValueDictionary()
        self._queue = HostQueue(settings, boundary.losses, block=ways.block)
        self.sender: Sender | None = None

    @property
    def enabled(self) -> bool:
        """False where everything is a no-op."""
        return self.sender is not None

    def send_by(self, transport: Transport) -> None:
        """From now on events are taken, and leave by this transport."""
        self.sender = Sender(self._queue, transport, self.settings, self.boundary, self._ways.on_delivery)

    def close(self, seconds: float) -> bool:
        """Sends what waits, within the deadline; see `Sender.close`."""
        if self.listener is not None:
            self.listener.close(0.0)
        return self.sender is None or self.sender.close(seconds)

    def numbering(self, identity: Identity, maskings: Sequence[Masking]) -> Numbering:
        """A new writer, whose texts are masked by these sections of policies."""
        masker = None if self._ways.maskers is None else self._ways.maskers.of(maskings)
        return Numbering(Writer(identity, Filters(masker, self.boundary.losses)))

    def put(self, item: Item) -> None:
        """Takes an event, or counts it lost."""
        sender = self.sender
        if sender is None:
            return
        if self._queue.put(item, sender.still_sending):
            sender.ensure_running()

    def session_began(self, session: Commanded) -> None:
        """From now on commands reach the session, and commands are listened for."""
        self._live[id(session)] = session
        if self.listener is not None:
            self.listener.ensure_running()

    def session_over(self, session: Commanded) -> None:
        """Commands reach it no more."""
        self._live.pop(id(session), None)

    def obey(self, command: Control) -> None:
        """Takes in a command, and tells the live sessions to look."""
        if self.board.apply(command, system_clock()):
            for session in self._sessions():
                session.notice()

    def tell(self, order: StopOrder) -> None:
        """Calls the host back, in a thread of its own: it may take its time, and holds up nothing of ours."""
        callback = self._ways.on_stop
        if callback is None:
            return

        def call() -> None:
            try:
                callback(order)
            except Exception as error:  # noqa: BLE001 - the host's callback
                self.boundary.caught(error, "on_stop")

        try:
            threading.Thread(target=call, name="watchkeeper-on-stop", daemon=True).start()
        except RuntimeError:
            LOG.warning("on_stop could not be called for session %s: no thread could be started", order.session_id)

    def after_fork(self) -> None:
        """In the child: nothing of the parent's is sent, and its live sessions go on as writers of their own."""
        self.boundary.losses.after_fork()
        if self.sender is not None:
            self.sender.after_fork()
        if self.listener is not None:
            self.listener.after_fork()
        for session in self._sessions():
            session.after_fork()

    def _sessions(self) -> list[Commanded]:
        # Through the references: another thread may begin a session meanwhile.
        found = (reference() for reference in list(self._live.valuerefs()))
        return [session for session in found if session is not None]
