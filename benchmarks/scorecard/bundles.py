"""One performance as it goes over the wire: the recorder's own lines, in the order of their times."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final

import orjson

from scorecard.model import Sought
from watchkeeper.producers import Record
from watchkeeper.schemas.failure_modes import FailureMode
from watchkeeper.schemas.model import to_us
from watchkeeper.schemas.wire import split_lines

MOST_EVENTS: Final = 40
"""In one record; a recorder sends one at the latest when it has waited 50 ms, and takes no more than 64."""

STEP_SECONDS: Final = 1.0
"""Between records of two sessions of one bundle, however long lay between them: long enough that what the first one
says has passed both stages, so that they are seen in the order in which they happened."""

MOST_BYTES: Final = 256 * 1024


@dataclass(frozen=True, slots=True)
class TimedRecord:
    """A record, with the time of its first and of its last event, epoch microseconds."""

    record: Record
    session_id: str
    first_us: int
    last_us: int


@dataclass(frozen=True, slots=True)
class Bundle:
    """All that one plant, near miss or clean job told.

    Attributes:
        tenant: whose sessions these are.
        mode: of the plant or near miss; None for a job.
        name: of the recipe, near miss or kind of job.
        sought: what must be found; None where nothing may be.
        recorded: whether it stands in a recording.
        records: in the order of their times.
        silence_seconds: how long to wait after the last record for what silence shows.
        step_seconds: between records of two sessions.
    """

    tenant: str
    mode: FailureMode | None
    name: str
    sought: Sought | None
    recorded: bool
    records: Sequence[TimedRecord]
    silence_seconds: float = 0.0
    sessions: frozenset[str] = field(default_factory=frozenset)
    step_seconds: float = STEP_SECONDS

    @property
    def events(self) -> int:
        """How many events it has."""
        return sum(one.record.events for one in self.records)


@dataclass(frozen=True, slots=True)
class Mishap:
    """What a session tells from `from_us` to before `until_us` arrives `late_us` later; never, if None."""

    session_id: str
    from_us: int
    until_us: int
    late_us: int | None = None


@dataclass(frozen=True, slots=True)
class Aside:
    """A record of another topic than the agents' events; see `Stage.publish`."""

    topic: str
    key: bytes
    value: bytes
    at_us: int
    session_id: str = ""


@dataclass(slots=True)
class _Line:
    raw: bytes
    source: Record
    session_id: str
    at_us: int
    is_child: bool
    is_end: bool
    arrives_us: int = 0


def in_order(
    records: Iterable[Record], mishaps: Sequence[Mishap] = (), asides: Sequence[Aside] = ()
) -> list[TimedRecord]:
    """The same lines, cut into records anew as they would have been sent had their time really passed.

    A recorder puts into one record what a session tells within 50 ms. Here hours pass in a moment, so that what was
    told at different times would stand in one record, before what another session told in between.

    Args:
        records: as the recorders sent them.
        mishaps: what became of lines on their way.
        asides: each a record of its own, which counts no event.
    """
    lines = [one for one in _lines(records) if _arrives(one, mishaps)]
    lines += map(_aside, asides)
    lines.sort(key=_order_of(lines))
    made: list[TimedRecord] = []
    run: list[_Line] = []
    size = 0
    for line in lines:
        ends = not run[0].source.events or line.source.key != run[0].source.key if run else False
        if ends or len(run) >= MOST_EVENTS or size > MOST_BYTES:
            made.append(_record(run))
            run, size = [], 0
        run.append(line)
        size += len(line.raw)
    return [*made, _record(run)] if run else made


def _lines(records: Iterable[Record]) -> Iterator[_Line]:
    latest: dict[tuple[bytes, str], int] = {}
    for record in records:
        for raw in split_lines(record.value):
            read = orjson.loads(raw)
            at_us = to_us(datetime.fromisoformat(read["occurred_at"]))
            is_child = read.get("parent_session_id") is not None
            line = _Line(raw, record, read["session_id"], at_us, is_child, read["type"] == "session_ended")
            # A writer's lines stay in the order in which it told them; another may have told of later in the meantime.
            writer = (record.key, read["writer_id"])
            line.arrives_us = latest[writer] = max(latest.get(writer, 0), at_us)
            yield line


def _aside(one: Aside) -> _Line:
    source = Record(one.topic, one.key, one.value, (), 0)
    return _Line(one.value, source, one.session_id, one.at_us, is_child=False, is_end=False, arrives_us=one.at_us)


def _order_of(lines: Sequence[_Line]) -> Callable[[_Line], tuple[int, int, str]]:
    """What several sessions told at one moment comes in an order of its own: it does not depend on who sent first.

    Who hands on speaks before whom it is handed to, but a session that ends then was over before.
    """
    ended = {(line.arrives_us, line.session_id) for line in lines if line.is_end}

    def key(line: _Line) -> tuple[int, int, str]:
        if (line.arrives_us, line.session_id) in ended:
            return line.arrives_us, 0 if line.is_child else 1, line.session_id
        return line.arrives_us, 3 if line.is_child else 2, line.session_id

    return key


def _arrives(line: _Line, mishaps: Sequence[Mishap]) -> bool:
    """Whether a line arrives at all; lets one that is late be late."""
    for one in mishaps:
        if one.session_id == line.session_id and one.from_us <= line.at_us < one.until_us:
            if one.late_us is None:
                return False
            line.arrives_us += one.late_us
    return True


def _record(run: Sequence[_Line]) -> TimedRecord:
    source = run[0].source
    if not source.events:
        return TimedRecord(source, run[0].session_id, run[0].at_us, run[0].at_us)
    value = b"\n".join(line.raw for line in run) + b"\n"
    record = Record(source.topic, source.key, value, source.headers, len(run))
    times = [line.at_us for line in run]
    return TimedRecord(record, run[0].session_id, min(times), max(times))
