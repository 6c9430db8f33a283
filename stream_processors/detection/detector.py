"""What a detector is, what it is shown, and what it may say.

A detector is pure: parameters, a state of plain values, and functions of state and event. It never sees a clock,
a client or another session. Its state is a flat dataclass of JSON values with a version: when the version
changes, old states are not misread but start anew.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any, ClassVar, Generic, Literal, TypeVar

from watchkeeper.schemas.control import Action, Target
from watchkeeper.schemas.events import Event, EventType
from watchkeeper.schemas.evidence import Evidence
from watchkeeper.schemas.failure_modes import FailureMode, Severity
from watchkeeper.schemas.policy import AgentPolicy, Caps
from watchkeeper.schemas.signals import SignalBase
from watchkeeper.stream_processors.detection.library import Unusable
from watchkeeper.stream_processors.detection.session import SessionState
from watchkeeper.stream_processors.detection.subject_keys import UNKEYED, SubjectKeys
from watchkeeper.stream_processors.detection.tools import ToolRegistry


@dataclass(slots=True)
class Found:
    """A detector found something. The judge makes a `Finding` of it.

    Attributes:
        about: what it is about within session and rule, never when it was found: the finding's identity.
        first_event_id: the event with which the failure began; the event at hand, if None.
        first_us: its time; the event's at hand, if None.
        at_us: for what a tick finds: the moment that the limit passed, not the tick's own time.
        action: what should be done to the session; where stage 2 finds it, to `target`.
        revision: above 0 where it says more of what was found before, or takes it back (`resolved`).
        target: whom `action` addresses, where stage 2 finds it.
        tool_name: the tool that `circuit_open` is about.
        fallback: what the policy says to do while that tool is not called.
        until_us: how long `action` is in force, where stage 2 finds it: at most a day, and not at all once that has
            passed; None for an hour.
        session_id: the session that a finding of stage 2 is about all the same, and under which people look for it.
        agent_id: that session's agent, where it is not the signal's.
    """

    about: tuple[str | int, ...]
    severity: Severity
    summary: str
    evidence: Evidence
    first_event_id: str | None = None
    first_us: int | None = None
    at_us: int | None = None
    action: Action | None = None
    revision: int = 0
    status: Literal["open", "resolved"] = "open"
    target: Target | None = None
    tool_name: str = ""
    fallback: str = ""
    until_us: int | None = None
    session_id: str | None = None
    agent_id: str | None = None


@dataclass(slots=True)
class Told:
    """A detector tells stage 2 something about a subject. The judge makes a signal of it.

    Attributes:
        about: the signal's identity within session, subject and kind.
        values: the fields of `kind` beyond those of `SignalBase`.
    """

    about: tuple[str | int, ...]
    subject: str
    kind: type[SignalBase]
    values: dict[str, Any] = field(default_factory=dict)


@dataclass(slots=True)
class Closed:
    """A detector holds the session for closed, without an end: it is ticked no more until an event comes again."""

    status: Literal["silent"] = "silent"


Said = Found | Told | Closed


@dataclass(slots=True)
class Notice:
    """What the numbering of a writer showed at an event.

    Attributes:
        kind: a gap opened before the event, the event filled one, or its number came again with other content.
        first: first missing number (of the gap as it was before it was filled); the number itself for a conflict.
        last: last missing number.
        digests: of the stored and the new line, for a conflict.
    """

    kind: Literal["gap", "filled", "conflict"]
    writer_id: str
    first: int
    last: int
    digests: list[str] = field(default_factory=list)


@dataclass(slots=True)
class Context:
    """What a detector is shown beside the event. The judge keeps one for each session that it has in memory.

    Attributes:
        session: the session with its totals, the event at hand included.
        policy: the policy in force, the default one where the session names none.
        caps: the policy's caps, narrowed by the session's own.
        cap_levels: each cap that is set: its place in `CAP_NAMES`, the use at which to warn, the limit.
        tools: the registered tools; None where the runtime does not know them or their list is not to be had.
        unusable: why the policy or the tools that the session names cannot be used, one entry for each.
        stands_in: the default policy stands in for one that cannot be used: by it nothing is commanded.
        at_us: the time of the event at hand; the session's latest at a tick.
        keys: names subjects that are personal.
        soonest_us: see `Detector.soonest_us`, the least of all; the judge's own, None until it asked.
        seating: who is shown what in this session; the judge's own, None until it asked.
    """

    session: SessionState
    policy: AgentPolicy
    caps: Caps
    tools: ToolRegistry | None
    cap_levels: tuple[tuple[int, float, float], ...] = ()
    unusable: tuple[Unusable, ...] = ()
    stands_in: bool = False
    at_us: int = 0
    keys: SubjectKeys = UNKEYED
    soonest_us: int | None = None
    seating: Any = None


S = TypeVar("S")


class Detector(ABC, Generic[S]):
    """One rule over one session's events.

    Attributes:
        rule_id: stable name of the rule; several rules may serve one failure mode.
        rule_version: grows when the same events would be judged differently.
        state_version: grows when the shape of the state changes.
        failure_mode: the mode of all that it finds.
        listens: the event types that it is shown; an event pays only for those who listen.
        state_type: a flat dataclass of JSON values, all with defaults.
    """

    rule_id: ClassVar[str]
    rule_version: ClassVar[int] = 1
    state_version: ClassVar[int] = 1
    failure_mode: ClassVar[FailureMode]
    listens: ClassVar[frozenset[EventType]]
    state_type: type[S]

    def concerns(self, context: Context) -> frozenset[EventType]:  # noqa: ARG002 - for those who override it
        """Of `listens` the types that `step` is to be shown under the policy in force (`context.policy`).

        A type may be left out only where `step` would say nothing that it does not say without, whatever the state and
        whatever comes. Nothing but the policy may matter: it is asked once for all sessions under it.
        """
        return self.listens

    @abstractmethod
    def step(self, state: S, event: Event, context: Context) -> Iterable[Said]:
        """Takes an event in; may change `state` and nothing else. Where there is nothing to say it returns `()`."""

    def sequence(self, state: S, event: Event, notice: Notice, context: Context) -> Iterable[Said]:  # noqa: ARG002 - for those who override it
        """Takes in what the numbering showed; only detectors that override it are asked."""
        return ()

    def due_us(self, state: S, context: Context) -> int | None:  # noqa: ARG002 - for those who override it
        """The session's time at which `tick` may have something to say; None while only events matter."""
        return None

    def soonest_us(self, context: Context) -> int | None:  # noqa: ARG002 - for those who override it
        """Microseconds from an event's time to the earliest `due_us` that it can bring, by the rules in force.

        A lower bound, so that `due_us` need not be asked after every event. 0 where the detector does not know; None
        where no event brings one, unless it changes the rules in force.
        """
        return 0

    def tick(self, state: S, now_us: int, context: Context) -> Iterable[Said]:  # noqa: ARG002 - for those who override it
        """Takes in that the session's time is `now_us` and no event came; called for each `due_us`, in order."""
        return ()
