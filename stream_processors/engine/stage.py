"""What a stage is: it loads what judging needs, judges, and says what must be kept."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple, Protocol

from watchkeeper.schemas.control import Control
from watchkeeper.schemas.findings import Finding
from watchkeeper.schemas.model import to_us
from watchkeeper.schemas.rows import RejectReason
from watchkeeper.schemas.signals import Signal
from watchkeeper.schemas.topics import CONTROL, DEAD_LETTER, FINDINGS, SIGNALS
from watchkeeper.stream_processors.engine.ports import EventKey, Message, Record, StoredDigest
from watchkeeper.stream_processors.engine.rows import command_row, dead_letter_row

DAY_US = 86_400_000_000
_DAYS_TOGETHER = 64
"""ClickHouse refuses an insert that touches more than 100 partitions; ours are days."""

_SIGNAL_BYTES = 256 * 1024
"""Of signals in one record: well below the smallest limit of a broker, 1 MiB."""


@dataclass(slots=True)
class Counts:
    """What a stage has seen and said since it began.

    Attributes:
        rejected: lines and records that became dead letters.
        reasons: the same, by reason.
        found: findings by failure mode and severity.
        lost: events that producers say they lost, by reason.
        unpriced: model requests with usage and no known price.
    """

    records: int = 0
    events: int = 0
    rejected: int = 0
    duplicates: int = 0
    replayed: int = 0
    late: int = 0
    conflicts: int = 0
    findings: int = 0
    signals: int = 0
    commands: int = 0
    unpriced: int = 0
    reasons: Counter[str] = field(default_factory=Counter)
    found: Counter[tuple[str, str]] = field(default_factory=Counter)
    lost: Counter[str] = field(default_factory=Counter)

    def add(self, other: Counts) -> None:
        """Sums up."""
        for name in self.__slots__:
            setattr(self, name, getattr(self, name) + getattr(other, name))

    def reject(self, reason: RejectReason) -> None:
        """Counts a dead letter."""
        self.rejected += 1
        self.reasons[reason] += 1


class StateSize(NamedTuple):
    """What a stage holds in memory: states, and the bytes of their rows when they were last read or written."""

    entries: int
    bytes: int


class Origin(NamedTuple):
    """Where the row of an event, or of a score, came from, should the store refuse it."""

    record: Record
    raw: bytes
    line: int


Group = tuple[str, int]
"""A table, and a span of days in it."""


@dataclass(slots=True, eq=False)
class Output:
    """What one batch, or one tick, led to: all that must be kept before its offsets are.

    Attributes:
        messages: findings, signals, commands and dead letters for the bus.
        rows: rows by table and group of days, so that no insert touches too many partitions.
        origins: for rows that were told by somebody, in the same order, the lines that they were made of.
        state_table: where `states` go, last of all.
        touched: keys of the states that this output rests on; they stay in memory until it is kept.
        recent: digests of event rows on their way.
        oldest_ms: the broker's time of the batch's oldest record, in milliseconds since 1970; None at a tick.
        found_us: the times of the events (at a tick: of the limits) at which its findings were due, in microseconds
            since 1970; without those of imports, whose events are old.
    """

    state_table: str
    messages: list[Message] = field(default_factory=list)
    rows: dict[Group, list[bytes]] = field(default_factory=dict)
    origins: dict[Group, list[Origin]] = field(default_factory=dict)
    states: list[bytes] = field(default_factory=list)
    touched: dict[Any, None] = field(default_factory=dict)
    recent: dict[EventKey, list[StoredDigest]] = field(default_factory=dict)
    counts: Counts = field(default_factory=Counts)
    oldest_ms: int | None = None
    found_us: list[int] = field(default_factory=list)
    _signals: dict[str, list[bytes]] = field(default_factory=dict)

    def add_row(self, table: str, row: bytes, at_us: int = 0) -> Group:
        """Adds a row; `at_us` is what its table is partitioned by, 0 where it is not."""
        group = (table, at_us // DAY_US // _DAYS_TOGETHER)
        rows = self.rows.get(group)
        if rows is None:
            rows = self.rows[group] = []
        rows.append(row)
        return group

    def add_event(self, row: bytes, at_us: int, origin: Origin) -> None:
        """Adds the row of an event that occurred at `at_us`."""
        self.add_told("events", row, at_us, origin)

    def add_told(self, table: str, row: bytes, at_us: int, origin: Origin) -> None:
        """Adds a row that was made of one line: refused by the store, that line becomes a dead letter."""
        group = self.add_row(table, row, at_us)
        origins = self.origins.get(group)
        if origins is None:
            origins = self.origins[group] = []
        origins.append(origin)

    def add_finding(self, finding: Finding) -> None:
        """To the bus and to the table."""
        body = finding.model_dump_json().encode()
        self.messages.append(Message(FINDINGS.name, finding.key, body))
        self.add_row("findings", body, to_us(finding.first_event_at))
        self.counts.findings += 1
        self.counts.found[finding.failure_mode, finding.severity] += 1
        if finding.origin != "import":
            self.found_us.append(to_us(finding.last_event_at))

    def add_signal(self, signal: Signal) -> None:
        """To the bus, keyed by subject; all of an output for one subject travel in one record (`seal`)."""
        self._signals.setdefault(signal.subject, []).append(signal.model_dump_json().encode())
        self.counts.signals += 1

    def seal(self) -> None:
        """Turns the signals into messages; called once, when the output is whole."""
        # A record costs whoever reads it a hundred microseconds, whatever is in it.
        for subject, lines in self._signals.items():
            most = max(1, _SIGNAL_BYTES // max(map(len, lines)))
            for start in range(0, len(lines), most):
                body = b"\n".join(lines[start : start + most])
                self.messages.append(Message(SIGNALS.name, subject.encode(), body))
        self._signals.clear()

    def add_command(self, command: Control) -> None:
        """To the bus and to the table."""
        self.messages.append(Message(CONTROL.name, command.key, command.model_dump_json().encode()))
        self.add_row("control_commands", command_row(command))
        self.counts.commands += 1

    def add_dead_letter(self, record: Record, reason: RejectReason, detail: str, raw: bytes, line: int) -> None:
        """To the bus and to the table, byte for byte; `line` is -1 for the record as a whole."""
        self.add_row("dead_letters", dead_letter_row(record, reason, detail, raw, line))
        self.messages.append(dead_letter_message(record, reason, detail, raw, line))
        self.counts.reject(reason)

    @property
    def is_empty(self) -> bool:
        """Whether there is nothing to keep but, perhaps, an offset."""
        return not (self.messages or self.rows or self.states)


class Stage(Protocol):
    """One stage of the pipeline. The engine calls one method at a time."""

    async def assign(self, partitions: Collection[int]) -> None:
        """Forgets everything and loads the open states of these partitions."""

    async def prepare(self, records: Sequence[Record]) -> Any:
        """Decodes a batch and loads what judging it needs; changes no state."""

    def judge(self, prepared: Any) -> Output:
        """Judges a prepared batch; pure but for the states in memory."""

    async def prepare_tick(self, until_us: Mapping[int, int]) -> None:
        """Loads what a tick until then needs; changes no state."""

    def tick(self, until_us: Mapping[int, int]) -> Output | None:
        """Lets time pass for what is open; None where nothing came of it.

        Args:
            until_us: by partition, the moment until which all that had arrived there is judged.
        """

    def clock_was_set(self, ahead_us: int) -> None:
        """Takes note that the worker's clock was set forward by so much, or back: nothing has waited for that."""

    def settled(self, output: Output) -> None:
        """Takes note that an output is kept for good."""

    def size(self) -> StateSize:
        """How much state is in memory. It looks at every state: ask every few seconds, not at every batch."""


def dead_letter_message(record: Record, reason: RejectReason, detail: str, raw: bytes, line: int) -> Message:
    """A dead letter for the bus: the bytes as they were, the rest in headers."""
    headers = {
        "wk-reason": reason,
        "wk-detail": detail[:500],
        "wk-source": f"{record.topic}/{record.partition}/{record.offset}/{line}",
    }
    return Message(DEAD_LETTER.name, f"{record.topic}/{record.partition}".encode(), raw, headers)


def next_version(version: int, position: int) -> int:
    """The version of a state's next row.

    The position (`detection.reading`) stands in the upper bits: of two workers that write the same state, the one that
    has read further wins, whoever writes last.
    """
    return max(version + 1, (position + 1) << 20)
