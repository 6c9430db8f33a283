"""Events as they are stored, read back into the contract's models."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Final

import orjson
from pydantic import ValidationError

from watchkeeper.schemas.envelope import HEADER_FIELDS
from watchkeeper.schemas.events import EVENT_ADAPTER, Event
from watchkeeper.schemas.model import format_utc, to_us

Row = dict[str, Any]
"""A row of a table, by column."""

_EMPTY_IS_NONE: Final = ("root_session_id", "parent_session_id", "writer_salt")
_NOT_KEPT: Final = frozenset({"data_digest", "chain"})
_PLAIN: Final = tuple(
    name for name in HEADER_FIELDS if name not in {*_EMPTY_IS_NONE, *_NOT_KEPT, "occurred_at", "attributes"}
)


@dataclass(frozen=True, slots=True)
class Gap:
    """Numbers of a writer that never arrived."""

    writer_id: str
    first: int
    last: int


@dataclass(frozen=True, slots=True)
class StoredEvent:
    """One row of `events`.

    Attributes:
        event: as the contract reads it; None where it cannot, or where the event is a part of a long text.
        occurred_us: in microseconds since 1970.
        data: what the event says, as the JSON it was.
        place: `partition/offset/line` of `agent.events`.
        late: it filled a gap after later events had been judged.
        conflict: another event of the same writer has its number.
        cost_usd: None where there was nothing to price, or no price.
    """

    event: Event | None
    type: str
    event_id: str
    writer_id: str
    seq: int
    occurred_us: int
    digest: str
    salt: str
    data: str
    place: str
    late: bool
    conflict: bool
    cost_usd: Decimal | None
    price_status: str
    price_version: str


def read_events(rows: list[Row]) -> list[StoredEvent]:
    """The events of a session's rows, in their order."""
    digests: dict[tuple[str, int], set[str]] = {}
    for row in rows:
        digests.setdefault((row["writer_id"], row["seq"]), set()).add(row["digest"])
    return [_read(row, conflict=len(digests[row["writer_id"], row["seq"]]) > 1) for row in rows]


def _read(row: Row, *, conflict: bool) -> StoredEvent:
    return StoredEvent(
        event=_parsed(row),
        type=row["type"],
        event_id=row["event_id"],
        writer_id=row["writer_id"],
        seq=row["seq"],
        occurred_us=to_us(row["occurred_at"]),
        digest=row["digest"],
        salt=row["writer_salt"],
        data=row["data"],
        place=f"{row['source_partition']}/{row['source_offset']}/{row['source_line']}",
        late=row["late"],
        conflict=conflict,
        cost_usd=row["cost_usd"],
        price_status=row["price_status"],
        price_version=row["price_version"],
    )


def line_of(row: Row) -> bytes:
    """The event of a row as a JSON document; a part of a long text without its text, which stands in `contents`."""
    header: dict[str, Any] = {name: row[name] for name in _PLAIN if row[name] is not None}
    header |= {name: row[name] for name in _EMPTY_IS_NONE if row[name]}
    header |= {"occurred_at": format_utc(row["occurred_at"]), "type": row["type"]}
    attributes, data = row["attributes"] or "{}", row["data"]
    return orjson.dumps(header)[:-1] + f',"attributes":{attributes},"data":{data}}}'.encode()


def _parsed(row: Row) -> Event | None:
    if row["type"] == "content":
        return None
    try:
        event: Event = EVENT_ADAPTER.validate_json(line_of(row))
    except ValidationError:
        return None
    return event


def in_order(events: Iterable[StoredEvent]) -> list[tuple[int, StoredEvent]]:
    """Events in order of time, each with the time that orders it, in microseconds since 1970.

    A writer's own numbering outranks its clock: where its clock went back, its later events keep their place.
    """
    latest: dict[str, int] = {}
    timed: list[tuple[int, StoredEvent]] = []
    for event in sorted(events, key=lambda one: (one.writer_id, one.seq, one.digest)):
        at_us = latest[event.writer_id] = max(latest.get(event.writer_id, 0), event.occurred_us)
        timed.append((at_us, event))
    return sorted(timed, key=lambda pair: (pair[0], pair[1].writer_id, pair[1].seq, pair[1].digest))


def gaps_of(events: Iterable[StoredEvent]) -> dict[tuple[str, int], Gap]:
    """What is missing of each writer's numbers, by the writer and the number that follows the gap."""
    numbers: dict[str, set[int]] = {}
    for event in events:
        numbers.setdefault(event.writer_id, set()).add(event.seq)
    found: dict[tuple[str, int], Gap] = {}
    for writer_id, seen in numbers.items():
        previous = -1
        for seq in sorted(seen):
            if seq > previous + 1:
                found[writer_id, seq] = Gap(writer_id, previous + 1, seq - 1)
            previous = seq
    return found
