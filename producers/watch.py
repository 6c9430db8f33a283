"""The face of the recorder: one `Watchkeeper` for each agent and process."""

from __future__ import annotations

import dataclasses
import os
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, ParamSpec, TypeVar, Unpack

from watchkeeper.producers import context
from watchkeeper.producers.losses import Losses, LossReason
from watchkeeper.producers.masking import Maskers
from watchkeeper.producers.options import SessionOptions, check_options
from watchkeeper.producers.outlets import Outlet, is_disabled
from watchkeeper.producers.policies import PolicyLike, resolve_policy
from watchkeeper.producers.recording import lifecycle
from watchkeeper.producers.recording.boundary import Boundary
from watchkeeper.producers.recording.openings import Charter, Opening, attach_writer, open_child, open_session
from watchkeeper.producers.recording.recorder import Recorder, Ways
from watchkeeper.producers.session import Session
from watchkeeper.producers.settings import ENVIRONMENT_VARIABLE, Settings
from watchkeeper.producers.tools import Toolbox, Tooling
from watchkeeper.producers.writing.headers import Header
from watchkeeper.producers.writing.names import agent_name, label, tenant_name
from watchkeeper.producers.writing.sender import Traffic
from watchkeeper.schemas.policy import default_policy

if TYPE_CHECKING:
    from watchkeeper.producers.local import LocalTransport
    from watchkeeper.producers.masking import Masker
    from watchkeeper.producers.stops import OnStop
    from watchkeeper.producers.transport import Delivery, Transport
    from watchkeeper.schemas.envelope import Origin, RetentionClass
    from watchkeeper.schemas.findings import Finding
    from watchkeeper.stream_processors.detection.pricing import PriceBook

P = ParamSpec("P")
R = TypeVar("R")


class Watchkeeper(Tooling):
    """Records what one agent does, and hears when a session of it has to stop.

    Make one when the process starts, and close it when the process ends (the interpreter's exit does so too, within
    `Settings.exit_seconds`). It never blocks the agent and raises nothing into it, `SessionStoppedError` excepted. To
    make one starts no thread and opens no connection: the first event does.

    Example:
        >>> from watchkeeper.producers import Watchkeeper
        >>> from watchkeeper.producers.testing import MemoryTransport
        >>> watch = Watchkeeper(agent="support", transport=MemoryTransport())
        >>> @watch.tool
        ... def order_status(order_id: int) -> str:
        ...     '''Where an order is.'''
        ...     return "shipped"
        >>> with watch.session(user_id="u1", goal="Where is order 7?", model="gpt-4.1") as s:
        ...     request = s.prompt([{"role": "user", "content": "Where is order 7?"}])
        ...     status = order_status(7)
        ...     s.response(f"It is {status}.", request_id=request, usage={"input_tokens": 20}, answer=True)
        >>> watch.close()
        True
        >>> watch.losses()
        {}

    Args:
        agent: the agent's id.
        policy: a policy, its fields, or the path of a YAML file; without one the default caps, in `warn`.
        local: judge in this process and print findings; no broker, no store.
        bootstrap: the broker's address; `WATCHKEEPER_KAFKA_BOOTSTRAP` without it.
        kafka: further settings of the broker's client, as librdkafka names them (`security.protocol`, …).
        transport: where records go instead of a broker: for tests.
        tenant: whose data this is; no slash.
        agent_version: the agent's released version.
        workflow: the workflow's name.
        environment: `production`, `staging`, …; `WATCHKEEPER_ENVIRONMENT`, or `production`, without it.
        retention_class: `standard` (90 days) or `regulated` (7 years).
        masker: hides what the policy's `masking` does not know, after it, before anything leaves the process.
        prices: with `local`, the price book by which caps on money are judged.
        on_stop: told when a session is asked to stop; see `watchkeeper.producers.stops`.
        on_delivery: told of what became of each record, in the sender's thread: for keeping a ledger.
        origin: `live`; `import` and `simulated` are for our own importers and fleet.
        block: wait for room in the queue, for ever, instead of dropping events: for importers.
        settings: limits and waits.

    Raises:
        ConfigurationError: something of this cannot be used; the message names the fix. (`PolicyError`, a
            subclass, where it is the policy.)
    """

    def __init__(
        self,
        agent: str,
        policy: PolicyLike = None,
        *,
        local: bool = False,
        bootstrap: str | None = None,
        kafka: Mapping[str, str] | None = None,
        transport: Transport | None = None,
        tenant: str = "default",
        agent_version: str = "",
        workflow: str = "",
        environment: str | None = None,
        retention_class: RetentionClass = "standard",
        masker: Masker | None = None,
        prices: PriceBook | None = None,
        on_stop: OnStop | None = None,
        on_delivery: Callable[[Delivery], None] | None = None,
        origin: Origin = "live",
        block: bool = False,
        settings: Settings | None = None,
    ) -> None:
        self._settings = settings or Settings()
        self._boundary = Boundary(Losses())
        self._toolbox = Toolbox(self._boundary.losses)
        self._local: LocalTransport | None = None
        named = _header(agent, tenant, agent_version, workflow, environment)
        header = dataclasses.replace(named, origin=origin, retention_class=retention_class)
        outlet = Outlet(local, transport, bootstrap, kafka or {})
        disabled = is_disabled()
        if not disabled:
            outlet.check()
        self._charter = Charter(header, default_policy(agent) if disabled else resolve_policy(agent, policy))
        self._maskers = None if disabled else Maskers(header.tenant_id, masker, recorded=origin == "import")
        self._check_masking(self._charter)
        ways = Ways(self._maskers, on_stop, on_delivery, block)
        self._recorder = Recorder(header.tenant_id, self._settings, self._boundary, ways)
        if not disabled:
            self._connect(outlet, prices, patient=block)
            lifecycle.enrol(self)

    def _check_masking(self, charter: Charter) -> None:
        """Raises now what would be wrong with a policy's masking when its first text is masked."""
        if self._maskers is not None:
            self._maskers.of((charter.policy.masking,))

    def _connect(self, outlet: Outlet, prices: PriceBook | None, *, patient: bool) -> None:
        if outlet.local:
            self._local = outlet.judge(self._recorder.obey, prices)
            self._recorder.send_by(self._local)
            return
        if outlet.transport is not None:
            self._recorder.send_by(outlet.transport)
            return
        self._recorder.send_by(outlet.producer(self._settings, self._boundary, patient=patient))
        if self._charter.header.origin != "import":
            self._recorder.listener = outlet.listener(self._recorder.obey, self._boundary)

    @property
    def exit_seconds(self) -> float:
        """How long the interpreter's exit waits for events to leave."""
        return self._settings.exit_seconds

    def session(self, **options: Unpack[SessionOptions]) -> Session:
        """A session of the agent. Use it as a context manager, sync or async; or call `start` and `end`.

        Args:
            **options: see `SessionOptions`.

        Raises:
            TypeError: an option that does not exist.
        """
        check_options(options, "session")
        return self._session(lambda given: open_session(self._charter, given, self._toolbox), options)

    def resume(self, session_id: str, /, **options: Unpack[SessionOptions]) -> Session:
        """A session that began in another process and goes on in this one.

        It is a writer of its own, with numbers of its own, and says `resumed` where it begins. Policy and caps stay
        those that the session began under.

        Args:
            session_id: the session's id.
            **options: see `SessionOptions`.

        Raises:
            TypeError: an option that does not exist.
        """
        check_options(options, "resume")
        options["session_id"] = session_id
        return self._session(lambda given: open_session(self._charter, given, self._toolbox, resumed=True), options)

    def attach(self, session_id: str, /, **options: Unpack[SessionOptions]) -> Session:
        """A writer that adds to a session and neither begins nor ends it.

        For an approval given in a web page, or an outcome that is known days later.

        Example:
            >>> from watchkeeper.producers import Watchkeeper
            >>> from watchkeeper.producers.testing import MemoryTransport
            >>> watch = Watchkeeper(agent="support", transport=MemoryTransport())
            >>> with watch.attach("session-7") as s:
            ...     s.outcome("refund_kept", 1.0)
            >>> watch.close()
            True

        Args:
            session_id: the session's id.
            **options: see `SessionOptions`.

        Raises:
            TypeError: an option that does not exist.
        """
        check_options(options, "attach")
        options["session_id"] = session_id
        return self._session(lambda given: attach_writer(self._charter, given), options)

    def open_child(
        self, parent: Session, agent: str, policy: PolicyLike, grant: dict[str, Any], options: SessionOptions
    ) -> Session:
        """The session behind `Session.delegate`; hosts use that."""
        check_options(options, "delegate")
        header = dataclasses.replace(self._charter.header, agent_id=agent_name(agent), agent_version="")
        charter = Charter(header, resolve_policy(agent, policy) if self._recorder.enabled else default_policy(agent))
        self._check_masking(charter)
        try:
            opening, delegation = open_child(charter, options, self._toolbox, parent.opening, grant)
        except Exception as error:  # noqa: BLE001 - an option of an odd type must not end the host's run
            self._boundary.caught(error, "delegate")
            opening, delegation = open_child(charter, {}, self._toolbox, parent.opening, grant)
        return Session(self, self._recorder, opening, (parent, delegation))

    def _session(self, opened: Callable[[SessionOptions], Opening], options: SessionOptions) -> Session:
        try:
            opening = opened(options)
        except Exception as error:  # noqa: BLE001 - the same
            self._boundary.caught(error, "beginning a session")
            opening = opened({"session_id": options.get("session_id", "")})
        return Session(self, self._recorder, opening)

    @staticmethod
    def current() -> Session | None:
        """The session that the calling code runs in."""
        return context.current()

    @staticmethod
    def bind(function: Callable[P, R]) -> Callable[P, R]:
        """Wraps a function so that it sees the current session in whichever thread it runs; see `context.bind`."""
        return context.bind(function)

    def losses(self) -> dict[LossReason, int]:
        """What was lost so far, by reason; empty where nothing was."""
        return self._boundary.losses.counts()

    def traffic(self) -> Traffic:
        """What was sent and acknowledged so far."""
        sender = self._recorder.sender
        return Traffic() if sender is None else dataclasses.replace(sender.traffic)

    def findings(self) -> list[Finding]:
        """With `local=True`: what was found so far, in order. Empty otherwise: the pipeline's are in ClickHouse."""
        return [] if self._local is None else self._local.findings()

    def flush(self, timeout: float = 5.0) -> bool:
        """Waits until everything told so far is acknowledged.

        Args:
            timeout: seconds to wait at most.

        Returns:
            False where the time was over, or records were lost meanwhile.
        """
        sender = self._recorder.sender
        return sender is None or sender.flush(timeout)

    def close(self, timeout: float | None = None) -> bool:
        """Sends what waits, and ends the threads. What is told afterwards is counted as `closed`.

        Args:
            timeout: seconds to wait at most; `Settings.exit_seconds`, if None.

        Returns:
            Whether everything was acknowledged. A second call answers True and does nothing.
        """
        lifecycle.discharge(self)
        return self._recorder.close(self._settings.exit_seconds if timeout is None else timeout)

    def after_fork(self) -> None:
        """In the child of a fork: nothing of the parent's is sent. Called by the interpreter."""
        self._recorder.after_fork()


def _header(agent: str, tenant: str, agent_version: str, workflow: str, environment: str | None) -> Header:
    return Header(
        tenant_id=tenant_name(tenant),
        session_id="",
        agent_id=agent_name(agent),
        agent_version=label(agent_version, 128),
        workflow=label(workflow),
        environment=label(environment or os.environ.get(ENVIRONMENT_VARIABLE) or "production", 64),
    )
