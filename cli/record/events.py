"""Events as they are stored, read back into the contract's models."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Final

import orjson
from pydantic import ValidationError

from watchkeeper.cli.store import Row
from watchkeeper.schemas.envelope import HEADER_FIELDS
from watchkeeper.schemas.events import EVENT_ADAPTER, Event
from watchkeeper.schemas.model import format_utc, to_us

_EMPTY_IS_NONE: Final = ("root_session_id", "parent_session_id", "writer_salt")
_NOT_KEPT: Final = frozenset({"data_digest", "chain"})
_PLAIN: Final = tuple(
    name for name in HEADER_FIELDS if name not in {*_EMPTY_IS_NONE, *_NOT_KEPT, "occurred_at", "attributes"}
)


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


def _parsed(row: Row) -> Event | None:
    if row["type"] == "content":
        return None
    header: dict[str, Any] = {name: row[name] for name in _PLAIN if row[name] is not None}
    header |= {name: row[name] for name in _EMPTY_IS_NONE if row[name]}
    header |= {"occurred_at": format_utc(row["occurred_at"]), "type": row["type"]}
    attributes, data = row["attributes"] or "{}", row["data"]
    line = orjson.dumps(header)[:-1] + f',"attributes":{attributes},"data":{data}}}'.encode()
    try:
        event: Event = EVENT_ADAPTER.validate_json(line)
    except ValidationError:
        return None
    return event
