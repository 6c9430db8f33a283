"""Brings the rows of one session from ClickHouse."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Final

from watchkeeper.cli import control_queries, finding_queries, queries
from watchkeeper.cli.exit_codes import AmbiguousError, NotFoundError
from watchkeeper.cli.record.assembly import assemble
from watchkeeper.cli.record.model import Record, SessionRows
from watchkeeper.cli.store import ReadStore, Row
from watchkeeper.schemas.model import EARLIEST, LATEST
from watchkeeper.schemas.stored_events import read_events
from watchkeeper.schemas.stored_texts import SessionTexts

MAX_EVENTS: Final = 50_000
"""Events read of one session: beyond it nobody reads, and memory is not endless."""

_ADDRESSES_A_QUERY: Final = 200
_DAY: Final = timedelta(days=1)
_LONGEST_SILENCE: Final = timedelta(days=31)
_NEAR: Final = timedelta(days=30)


def read_record(store: ReadStore, session_id: str, tenant: str = "") -> Record:
    """The record of one session.

    Args:
        store: where its rows are.
        session_id: which session.
        tenant: whose; looked up where it is empty.

    Raises:
        NotFoundError: there is no such session; the message names the nearest ids.
        AmbiguousError: several tenants have a session with this id.
        StoreUnavailableError: see `ReadStore`.
    """
    tenant_id = tenant or _tenant_of(store, session_id)
    found = store.rows(queries.EVENTS_OF_SESSION, tenant=tenant_id, session=session_id, limit=MAX_EVENTS + 1)
    session = store.row(queries.SESSION, tenant=tenant_id, session=session_id)
    if not found and session is not None:
        raise NotFoundError(f"the events of session {session_id} are past their retention, or not stored yet")
    if not found:
        raise not_found(store, session_id, tenant)
    events = read_events(found[:MAX_EVENTS])
    texts = SessionTexts(events)
    wanted = texts.wanted
    for start in range(0, len(wanted), _ADDRESSES_A_QUERY):
        addresses = wanted[start : start + _ADDRESSES_A_QUERY]
        texts.add_stored(store.rows(queries.CONTENTS, tenant=tenant_id, addresses=addresses))
    rows = SessionRows(session=session, events=events, texts=texts, truncated=len(found) > MAX_EVENTS)
    _read_around(store, rows, found)
    return assemble(rows)


def _tenant_of(store: ReadStore, session_id: str) -> str:
    for query in (queries.TENANTS_OF_SESSION, queries.TENANTS_OF_EVENTS):
        tenants = [row["tenant_id"] for row in store.rows(query, session=session_id)]
        if len(tenants) > 1:
            raise AmbiguousError(
                f"the tenants {', '.join(tenants)} each have a session {session_id}: say which with --tenant"
            )
        if tenants:
            return str(tenants[0])
    raise not_found(store, session_id, "")


def not_found(store: ReadStore, session_id: str, tenant: str) -> NotFoundError:
    """Says that there is no such session, and which ids are near."""
    near = store.rows(
        queries.NEAREST_SESSIONS, session=session_id, tenant=tenant, stored_since=datetime.now(UTC) - _NEAR
    )
    whose = f" of tenant {tenant}" if tenant else ""
    ids = ", ".join(row["session_id"] for row in near)
    advice = f"did you mean {ids}?" if near else "nothing at all was stored in the last 30 days"
    return NotFoundError(f"no session {session_id}{whose}: {advice}")


def _read_around(store: ReadStore, rows: SessionRows, found: list[Row]) -> None:
    """Findings and commands: bounded by the session's own time, so that few partitions are opened."""
    first = min(row["occurred_at"] for row in found)
    last = max(row["occurred_at"] for row in found)
    tenant_id, session_id, agent_id = found[0]["tenant_id"], found[0]["session_id"], found[0]["agent_id"]
    rows.findings = store.rows(
        finding_queries.FINDINGS_OF_SESSION,
        tenant=tenant_id,
        session=session_id,
        since=max(EARLIEST, first - _DAY),
        until=min(LATEST, last + _LONGEST_SILENCE),
    )
    lineage = {name for row in found for name in (session_id, row["root_session_id"], row["parent_session_id"]) if name}
    still_open = rows.session is None or rows.session["status"] == "open"
    rows.commands = store.rows(
        control_queries.COMMANDS_OF_SESSION,
        tenant=tenant_id,
        agent=agent_id,
        lineage=sorted(lineage),
        since=first,
        until=LATEST if still_open else min(LATEST, last + timedelta(minutes=1)),
    )
