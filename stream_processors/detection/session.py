"""The state of one session: what the judge knows of it, small enough to be written at every checkpoint."""

from __future__ import annotations

from dataclasses import dataclass, field, fields
from typing import Any

import orjson

from watchkeeper.schemas.envelope import Origin, RetentionClass
from watchkeeper.stream_processors.detection.sequence import WriterState

STATE_VERSION = 1


@dataclass(slots=True)
class Totals:
    """What a session has used so far.

    Attributes:
        tokens: uncached input plus output: what caps count.
        input_tokens: all input, cached included.
        cost_usd: of the priced requests.
        unpriced_requests: requests with usage and no known price; their cost is not in `cost_usd`.
    """

    events: int = 0
    tool_calls: int = 0
    tokens: int = 0
    input_tokens: int = 0
    cached_input_tokens: int = 0
    output_tokens: int = 0
    cost_usd: float = 0.0
    priced_requests: int = 0
    unpriced_requests: int = 0
    findings: int = 0
    worst_severity: str = ""


@dataclass(slots=True)
class SessionState:
    """One session.

    Attributes:
        offset: the highest source offset applied, in `log`; see `reading`, as for the next two.
        log: the broker's log that it was read from.
        passed: offsets of earlier logs, together.
        version: the stored row's version; grows with every write.
        last_us: the latest `occurred_at`.
        opened_us: `occurred_at` of the event by which it was first heard of; it never changes. -1 takes `started_us`,
            as for a state that was stored before there was this field.
        arrived_us: the worker's clock when the event of `last_us` arrived. The tick's time for the session is
            `last_us` plus what has passed since then: an event that came late does not turn it back.
        stamped_us: the broker's time when that event arrived, 0 where it is not known. A replay finds the same.
        due_us: before this time (of the session) no detector has anything to say at a tick; 0 asks anew.
        status: `open`, or how it ended; `silent` where it was never closed.
        policy_address: the policy that judges it, "" for the default one.
        tools_address: the registered tools, "" where the runtime does not know them.
        caps: caps of this session alone, which narrow the policy's.
        silenced: rules that failed on this session: told once, not at every event.
        told_findings: the findings that the delegation tree was told of, by kind; see `finding_told`.
        detectors: each detector's state as `[state version, state]`, by rule id.
    """

    tenant_id: str
    session_id: str
    agent_id: str
    origin: Origin
    started_us: int
    last_us: int
    root_session_id: str = ""
    parent_session_id: str = ""
    agent_version: str = ""
    environment: str = ""
    workflow: str = ""
    user_id: str = ""
    customer_id: str = ""
    intent: str = ""
    model: str = ""
    provider: str = ""
    retention_class: RetentionClass = "standard"
    reasoning_exposed: str = "none"
    offset: int = -1
    log: str = ""
    passed: int = 0
    version: int = 0
    opened_us: int = -1
    arrived_us: int = 0
    stamped_us: int = 0
    due_us: int = 0
    status: str = "open"
    policy_address: str = ""
    tools_address: str = ""
    caps: dict[str, float] = field(default_factory=dict)
    silenced: list[str] = field(default_factory=list)
    told_findings: dict[str, str] = field(default_factory=dict)
    writers: dict[str, WriterState] = field(default_factory=dict)
    totals: Totals = field(default_factory=Totals)
    detectors: dict[str, list[Any]] = field(default_factory=dict)
    _context: Any = field(default=None, init=False, repr=False, compare=False)
    """The judge's own; never stored: orjson leaves out names that begin with an underscore."""

    def __post_init__(self) -> None:
        if self.opened_us < 0:
            self.opened_us = self.started_us

    @property
    def context(self) -> Any:
        """What the judge made of policy and tools at the session's last event; None where it must look anew."""
        return self._context

    @context.setter
    def context(self, made: Any) -> None:
        self._context = made

    @property
    def is_open(self) -> bool:
        """Whether an end is still to come."""
        return self.status == "open"

    def writer(self, writer_id: str) -> WriterState:
        """The state of a writer, made at its first event."""
        found = self.writers.get(writer_id)
        if found is None:
            found = self.writers[writer_id] = WriterState()
        return found

    def now_us(self, clock_us: int) -> int:
        """The session's own time: its last event's, plus the time since that arrived."""
        return self.last_us + max(0, clock_us - self.arrived_us)

    def at_arrival_us(self, stamped_us: int) -> int:
        """The session's own time when an event arrives, by the broker's time; its last event's where that says nothing.

        The broker's clock is only ever compared with itself: it need not agree with the worker's.
        """
        if stamped_us <= self.stamped_us or not self.stamped_us:
            return self.last_us
        return self.last_us + stamped_us - self.stamped_us

    def dump(self) -> bytes:
        """The state as JSON; detectors' states are dataclasses and go with it, but for those that hold nothing yet."""
        told = {name: getattr(self, name) for name in _STORED}
        # In an order of their own: which of them was asked first is forgotten with those that are left out.
        kept = ((rule, self.detectors[rule]) for rule in sorted(self.detectors))
        told["detectors"] = {rule: stored for rule, stored in kept if not _is_fresh(stored[1])}
        return orjson.dumps({"v": STATE_VERSION, "s": told})


_TOTALS = {item.name for item in fields(Totals)}
_WRITER = {item.name for item in fields(WriterState)}
_STORED = tuple(item.name for item in fields(SessionState) if item.init)
_SESSION = frozenset(_STORED)


_FRESH: dict[type[Any], Any] = {}
"""States as detectors begin with them; only ever compared."""


def _is_fresh(state: Any) -> bool:
    """Whether a detector's state says no more than that there is none."""
    kind = type(state)
    if kind is dict:
        return False
    if kind not in _FRESH:
        _FRESH[kind] = kind()
    return bool(state == _FRESH[kind])


def load_session(raw: bytes | str) -> SessionState | None:
    """The inverse of `SessionState.dump`; None where another version of the code wrote it.

    Detectors' states stay plain values until their detector asks for them (`judge`).
    """
    document = orjson.loads(raw)
    if document.get("v") != STATE_VERSION:
        return None
    values = {name: value for name, value in document["s"].items() if name in _SESSION}
    values["writers"] = {
        name: WriterState(**{key: value for key, value in writer.items() if key in _WRITER})
        for name, writer in values["writers"].items()
    }
    values["totals"] = Totals(**{name: value for name, value in values["totals"].items() if name in _TOTALS})
    return SessionState(**values)
