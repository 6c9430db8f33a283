"""A session: one run of one agent, from its start to its end."""

from __future__ import annotations

import threading
from collections.abc import Mapping, Sequence
from contextlib import suppress
from contextvars import Token
from datetime import datetime
from types import TracebackType
from typing import TYPE_CHECKING, Any, Literal, Self, TypeAlias, Unpack

from watchkeeper.producers.context import CURRENT, current
from watchkeeper.producers.identity import LiveIdentity
from watchkeeper.producers.obeying.heeding import Heeding
from watchkeeper.producers.obeying.obedience import Obedience
from watchkeeper.producers.options import SessionOptions
from watchkeeper.producers.recording.boundary import contained, nothing
from watchkeeper.producers.recording.conversation import Conversation
from watchkeeper.producers.recording.deciding import Decisions
from watchkeeper.producers.recording.retrieving import Retrievals
from watchkeeper.producers.writing.encoding import Frozen, freeze, weight
from watchkeeper.producers.writing.headers import fit_attributes, fit_turn
from watchkeeper.producers.writing.hostqueue import Item
from watchkeeper.producers.writing.names import label
from watchkeeper.schemas.errors import SessionStoppedError

if TYPE_CHECKING:
    from watchkeeper.producers.policies import PolicyLike
    from watchkeeper.producers.recording.openings import Opening
    from watchkeeper.producers.recording.recorder import Recorder
    from watchkeeper.producers.watch import Watchkeeper
    from watchkeeper.schemas.events import EventType

EVENT_OVERHEAD = 256
"""Bytes that an event takes in the queue beside its payload."""

EndStatus: TypeAlias = Literal["completed", "failed", "stopped"]


class Session(Conversation, Retrievals, Decisions, Heeding):
    """Records one run of an agent. Made by `Watchkeeper.session`; use it as a context manager, sync or async.

    Its methods may be called from any thread and any task. They return at once (a paused session excepted) and raise
    nothing but `SessionStoppedError`, and that only where a command is to be carried out (see
    `watchkeeper.producers.obeying.obedience`).

    Attributes:
        session_id: the session's id.
        opening: what it was made of.
        around: the session that was current when this one was entered.
    """

    def __init__(
        self,
        watch: Watchkeeper,
        recorder: Recorder,
        opening: Opening,
        delegated: tuple[Session, dict[str, Any]] | None = None,
    ) -> None:
        started = opening.started or {}
        super().__init__(label(freeze(started.get("model"))), label(freeze(started.get("provider"))))
        self.session_id = opening.header.session_id
        self.opening = opening
        self._delegated = delegated
        self._watch = watch
        self._recorder = recorder
        self._boundary = recorder.boundary
        self._header = opening.header
        self._identity = opening.identity
        self._clock = opening.clock
        self._stopwatch = opening.stopwatch
        self._obedience = Obedience(recorder.board, opening.scopes)
        self._numbering = recorder.numbering(opening.identity, opening.maskings)
        self._lock = threading.RLock()
        self._begun = self._over = False
        self._token: Token[Session | None] | None = None
        self.around: Session | None = None

    @property
    def is_over(self) -> bool:
        """Whether the session has ended."""
        return self._over

    @property
    def step(self) -> str:
        """The step of the workflow that later events belong to."""
        return self._header.step

    @step.setter
    def step(self, value: str) -> None:
        self._change(step=label(freeze(value)))

    @property
    def turn(self) -> int | None:
        """The user's turn that later events belong to, from 0. Polling across turns is no loop: so tell them."""
        return self._header.turn

    @turn.setter
    def turn(self, value: int | None) -> None:
        self._change(turn=fit_turn(value))

    @contained(fallback=nothing)
    def next_turn(self) -> None:
        """The user has spoken again: counts `turn` up, from 0."""
        turn = self._header.turn
        self.turn = 0 if turn is None else turn + 1

    @contained(fallback=nothing)
    def annotate(self, /, **attributes: str | float) -> None:
        """Adds short facts to all later events, for filtering: at most 30 in all."""
        with self._lock:
            self._change(attributes=fit_attributes({**self._header.attributes, **attributes}))

    @contained(fallback=nothing)
    def start(self) -> None:
        """Begins the session. Entering it as a context manager does so, and the first thing recorded does."""
        with self._lock:
            if self._begun:
                return
            self._begun = True
        if self._delegated is not None:
            parent, fields = self._delegated
            parent._about_to("delegation", fields)  # noqa: SLF001 - a session as well
        if self.opening.started is not None:
            self._record("session_started", dict(self.opening.started))
        self._recorder.session_began(self)
        self.notice()

    @contained(fallback=nothing)
    def end(
        self,
        status: EndStatus = "completed",
        *,
        reason: str = "",
        error: BaseException | str | None = None,
        answer: str | None = None,
    ) -> None:
        """Ends the session; a second call does nothing. Leaving the context manager does so.

        Args:
            status: how it went.
            reason: why it ended so, for a person.
            error: the exception that ended it, or the name of its kind. Its message is not recorded.
            answer: what the user was given; the best answer so far, if None.
        """
        with self._lock:
            if self._over:
                return
            self._over = True
        self._recorder.session_over(self)
        if self.opening.started is not None:
            fields = {
                "status": status,
                "reason": reason,
                "error_type": type(error).__name__ if isinstance(error, BaseException) else error,
                "answer": self._best_answer if answer is None else answer,
            }
            self._record("session_ended", fields)

    def delegate(
        self,
        agent: str,
        *,
        task: str | None = None,
        policy: PolicyLike = None,
        scope: Sequence[str] | None = None,
        delegable: Sequence[str] | None = None,
        granted_by: str = "",
        grant_id: str = "",
        parent_grant_id: str = "",
        constraints: Mapping[str, Any] | None = None,
        expires_at: datetime | None = None,
        **options: Unpack[SessionOptions],
    ) -> Session:
        """A session of another agent, to which this one hands work. Use it as a context manager.

        This session records the delegation, the other one that it is its child. A command for this session reaches
        the child too.

        Args:
            agent: the other agent's id.
            task: what it is asked to do; also the child's goal, unless `goal` is given.
            policy: the other agent's policy; the default caps in `warn`, if None.
            scope: what the child may do itself; wildcards allowed.
            delegable: what the child may hand on.
            granted_by: whose authority this is.
            grant_id: names the grant.
            parent_grant_id: the grant that it derives from.
            constraints: limits of the grant.
            expires_at: until when it holds.
            **options: see `SessionOptions`.

        Raises:
            ConfigurationError: the policy cannot be used.
            TypeError: an option that does not exist.
        """
        grant = {
            "delegation_id": self._new_id("delegation"),
            "task": task,
            "grant_id": grant_id,
            "parent_grant_id": parent_grant_id,
            "granted_by": granted_by,
            "scope": scope,
            "delegable": delegable,
            "constraints": constraints,
            "expires_at": expires_at,
        }
        return self._watch.open_child(self, agent, policy, grant, options)

    def __enter__(self) -> Self:
        self.start()
        self.around = current()
        self._token = CURRENT.set(self)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._leave()
        if error is None or _is_success(error):
            self.end()
        elif isinstance(error, SessionStoppedError):
            self.end("stopped", reason=error.reason)
        else:
            self.end("failed", error=error)

    async def __aenter__(self) -> Self:
        return self.__enter__()

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.__exit__(kind, error, traceback)

    @contained(fallback=nothing)
    def after_fork(self) -> None:
        """In the child of a fork: goes on as a writer of its own, so that no number is given twice."""
        self._lock = threading.RLock()
        self._identity = LiveIdentity()
        self._numbering = self._recorder.numbering(self._identity, self.opening.maskings)

    def _leave(self) -> None:
        token, self._token = self._token, None
        # Left in another context than it was entered in, as a generator may do, there is nothing to put back here.
        with suppress(ValueError):
            if token is not None:
                CURRENT.reset(token)

    def _change(self, **changes: Any) -> None:
        with self._lock:
            self._header = self._header.with_(**changes)

    def _new_id(self, kind: str) -> str:
        return self._identity.new_id(kind)

    def _about_to(self, kind: EventType, fields: dict[str, Any]) -> None:
        self.check()
        self._record(kind, fields)

    def _happened(self, kind: EventType, fields: dict[str, Any]) -> None:
        self._record(kind, fields)
        self._raise_if_stopped()

    def _end_stopped(self, reason: str) -> None:
        self.end("stopped", reason=reason)

    def _record(self, kind: EventType, fields: dict[str, Any]) -> None:
        if not self._recorder.enabled:
            return
        try:
            occurred_us = self._clock()
            if not self._begun:
                self.start()
            frozen: dict[str, Frozen] = {}
            size = EVENT_OVERHEAD
            for key, value in fields.items():
                if type(value) is str:
                    frozen[key] = value
                    size += len(value)
                elif value is not None:
                    frozen[key] = held = freeze(value)
                    size += weight(held)
            self._recorder.put(Item(self._numbering, kind, self._header, occurred_us, frozen, size))
        except Exception as error:  # noqa: BLE001 - the boundary: see `watchkeeper.producers.recording.boundary`
            self._boundary.caught(error, f"recording a {kind} event")


def _is_success(error: BaseException) -> bool:
    """Whether the host leaves by `sys.exit()` or `sys.exit(0)`: its work is done, nothing failed."""
    return isinstance(error, SystemExit) and (
        error.code is None or (type(error.code) in (int, bool) and not error.code)
    )
