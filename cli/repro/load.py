"""Brings what a finding rests on from the store: its session's events, or those of all that its subject saw."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from datetime import timedelta
from typing import Any, Final

import orjson

from watchkeeper.cli import queries
from watchkeeper.cli.exit_codes import NotFoundError
from watchkeeper.cli.repro.telling import Piece
from watchkeeper.cli.store import ReadStore, Row
from watchkeeper.schemas.model import EARLIEST, to_us
from watchkeeper.schemas.stored_events import line_of

MAX_EVENTS: Final = 50_000
"""Events that are looked at; of more sessions, the latest."""
MAX_SESSIONS: Final = 1_000
_NAMES_AT_ONCE: Final = 200

NAMED: Final = """
SELECT session_id, events
FROM sessions FINAL
WHERE tenant_id = {tenant:String} AND origin = {origin:String}
    AND (session_id IN {sessions:Array(String)} OR root_session_id IN {roots:Array(String)})
ORDER BY started_at DESC
LIMIT 1000
"""

WITHIN: Final = """
SELECT session_id, events
FROM sessions FINAL
WHERE tenant_id = {tenant:String} AND origin = {origin:String}
    AND last_event_at >= fromUnixTimestamp64Micro({since:Int64}, 'UTC')
    AND started_at <= fromUnixTimestamp64Micro({until:Int64}, 'UTC')
    AND ({agent:String} = '' OR agent_id = {agent:String})
ORDER BY started_at DESC
LIMIT 1000
"""


def scopes_of(store: ReadStore, finding: Row, look_back: timedelta) -> Iterator[list[str]]:
    """The sessions in which the finding may be found again, the narrowest choice first.

    A finding of one session rests on that alone. One of a subject names some of its sessions; where those are not
    enough, all of the tenant's that ran in the time before it.
    """
    subject = finding["subject"]
    if not subject:
        yield [finding["session_id"]]
        return
    whose: dict[str, Any] = {"tenant": finding["tenant_id"], "origin": finding["origin"]}
    kind, _, name = subject.partition(":")
    named = sorted(set(_strings(orjson.loads(finding["evidence"]))) | {finding["session_id"] or ""})
    roots = [name.split("/", 2)[-1]] if kind == "tree" else []
    yield _bounded(store.rows(NAMED, **whose, sessions=named[:_NAMES_AT_ONCE], roots=roots))
    since = max(EARLIEST, finding["first_event_at"] - look_back)
    agents = [finding["agent_id"], ""] if kind == "agent" else [""]
    for agent in agents:
        yield _bounded(store.rows(WITHIN, **whose, since=since, until=finding["last_event_at"], agent=agent))


def pieces_of(store: ReadStore, tenant: str, sessions: Sequence[str]) -> list[Piece]:
    """The events of these sessions in the order in which the worker read them, as far as that is known.

    Raises:
        NotFoundError: there are none: they are past their retention.
    """
    rows: list[Row] = []
    for session in sessions:
        rows += store.rows(queries.EVENTS_OF_SESSION, tenant=tenant, session=session, limit=MAX_EVENTS)
    if sessions and not rows:
        raise NotFoundError("the events that the finding rests on are past their retention")
    parts = _parts(store, tenant, rows)
    return [_piece(row, arrived_us, parts) for arrived_us, row in _as_read(rows)]


def _bounded(rows: Iterable[Row]) -> list[str]:
    chosen: list[str] = []
    events = 0
    for row in rows:
        events += row["events"]
        if events > MAX_EVENTS and chosen:
            break
        chosen.append(row["session_id"])
    return chosen


def _as_read(rows: Iterable[Row]) -> list[tuple[int, Row]]:
    """Rows with the time of their arrival; of one partition, the order of offsets outranks the clock."""
    latest: dict[int, int] = {}
    timed: list[tuple[int, Row]] = []
    for row in sorted(rows, key=lambda one: (one["source_partition"], one["source_offset"], one["source_line"])):
        partition = row["source_partition"]
        latest[partition] = max(latest.get(partition, 0), to_us(row["received_at"]))
        timed.append((latest[partition], row))
    return sorted(timed, key=lambda one: one[0])


def _piece(row: Row, arrived_us: int, parts: dict[tuple[str, int], str]) -> Piece:
    document = orjson.loads(line_of(row))
    if document["type"] == "content":
        data = document["data"]
        data["text"] = parts.get((data["address"], data["part"]), "")
    cost = row["cost_usd"]
    return Piece(document, arrived_us, None if cost is None else float(cost))


def _parts(store: ReadStore, tenant: str, rows: Iterable[Row]) -> dict[tuple[str, int], str]:
    """The parts of long texts, which the store keeps apart from their events."""
    addresses = sorted({orjson.loads(row["data"])["address"] for row in rows if row["type"] == "content"})
    found: dict[tuple[str, int], str] = {}
    for start in range(0, len(addresses), _NAMES_AT_ONCE):
        some = addresses[start : start + _NAMES_AT_ONCE]
        for row in store.rows(queries.CONTENTS, tenant=tenant, addresses=some):
            found[row["address"], row["part"]] = row["text"]
    return found


def _strings(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, list):
        for item in value:
            yield from _strings(item)
    elif isinstance(value, dict):
        for item in value.values():
            yield from _strings(item)
