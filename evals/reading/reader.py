"""Reads interactions out of the store: many sessions in a few queries, and the sessions that ended, page by page."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Final, Protocol, TypeAlias

from watchkeeper.evals.interaction import Interaction
from watchkeeper.evals.reading import statements
from watchkeeper.evals.reading.assembling import SessionRows, assemble
from watchkeeper.schemas.envelope import Origin, RetentionClass
from watchkeeper.schemas.model import EARLIEST, LATEST, to_us
from watchkeeper.schemas.stored_events import Row, StoredEvent, read_events
from watchkeeper.schemas.stored_texts import SessionTexts

MAX_EVENTS: Final = 50_000
"""Events read of one session: what is longer is read so far, and is not complete."""

_SESSIONS_A_QUERY: Final = 200
_REFS_A_QUERY: Final = 500
"""Ids travel in the address of a request, which servers limit: these take 25 KB."""

_EVENTS_A_QUERY: Final = 20_000
_FIRST_WINDOW: Final = timedelta(hours=1)
_SHORTEST_WINDOW: Final = timedelta(seconds=1)
_ADDRESSES_A_QUERY: Final = 200
_DAY: Final = timedelta(days=1)
_LONGEST_SILENCE: Final = timedelta(days=31)


Place: TypeAlias = tuple[datetime, str, str]
"""A session's place in the order of ending: when it was last heard of, tenant and session."""


class Rows(Protocol):
    """Answers queries; `watchkeeper.cli.store.ReadStore` does."""

    def rows(self, sql: str, **parameters: Any) -> list[Row]:
        """The rows of a query, by column; `parameters` are bound by the server."""


@dataclass(frozen=True, slots=True)
class SessionRef:
    """A session that ended, without its texts.

    Attributes:
        ended_at: when it was last heard of: an outcome that is told days later moves it.
        findings: how many there are of each severity, without resolved ones and false alarms.
        tokens: input and output, without what was read from a cache.
    """

    tenant_id: str
    session_id: str
    root_session_id: str
    agent_id: str
    agent_version: str
    model: str
    prompt_version: str
    intent: str
    environment: str
    origin: Origin
    retention_class: RetentionClass
    status: str
    started_at: datetime
    ended_at: datetime
    events: int
    tool_calls: int
    tokens: int
    cost_usd: float
    findings: Mapping[str, int] = field(default_factory=dict)

    @property
    def place(self) -> Place:
        """Where a listing that got as far as this session goes on."""
        return self.ended_at, self.tenant_id, self.session_id


class InteractionReader:
    """Reads stored sessions.

    Every method raises what its store raises where that does not answer.

    Args:
        store: answers queries.
    """

    def __init__(self, store: Rows) -> None:
        self._store = store

    def ended_between(
        self,
        tenant: str,
        since: datetime,
        until: datetime,
        *,
        agent: str = "",
        origin: str = "",
        environment: str = "",
        after: Place | None = None,
        page: int = 1000,
    ) -> Iterator[SessionRef]:
        """The sessions that were last heard of in a span of time and have ended, the earliest first.

        They are read page by page while they are asked for, each page within a part of the span that is as long as
        sessions are rare: a year of a busy stack takes no longer for its first page than an hour.

        Args:
            tenant: whose; all of them where it is empty.
            since: the first moment of the span.
            until: the first moment after it.
            agent: only this agent's.
            origin: only `live`, `import` or `simulated` ones.
            environment: only those of it.
            after: the `place` of the last session that is known already.
            page: how many are read at a time.
        """
        only = {"tenant": tenant, "agent": agent, "origin": origin, "environment": environment}
        place = after if after is not None and after[0] >= since else (since, "", "")
        width = _FIRST_WINDOW
        while place[0] < until:
            begin = place[0]
            end = until if until - begin <= width else begin + width
            rows = self._store.rows(
                statements.ENDED,
                since=to_us(begin),
                until=to_us(end),
                after=to_us(begin),
                after_tenant=place[1],
                after_session=place[2],
                limit=page,
                **only,
            )
            yield from self._refs(self._latest(rows))
            if len(rows) == page:
                place = rows[-1]["last_event_at"], rows[-1]["tenant_id"], rows[-1]["session_id"]
                width = max(_SHORTEST_WINDOW, min(width, 2 * (place[0] - begin)))
            else:
                place = end, "", ""
                width *= 4 if 4 * len(rows) < page else 1

    def _latest(self, ended: Sequence[Row]) -> list[Row]:
        """The sessions of these rows that have not been heard of since, in the rows' order."""
        found: dict[tuple[str, str], Row] = {}
        for some in _chunks(ended, _REFS_A_QUERY):
            tenants = sorted({row["tenant_id"] for row in some})
            sessions = [row["session_id"] for row in some]
            for row in self._store.rows(statements.SESSIONS, tenants=tenants, sessions=sessions):
                found[row["tenant_id"], row["session_id"]] = row
        latest = (
            (row["last_event_at"], found[row["tenant_id"], row["session_id"]])
            for row in ended
            if (row["tenant_id"], row["session_id"]) in found
        )
        return [row for heard_at, row in latest if row["ended_at"] == heard_at and row["status"] != "open"]

    def by_ids(self, tenant: str, ids: Iterable[str]) -> list[Interaction]:
        """Sessions as interactions, in the order of their ids; those of which nothing is stored are left out."""
        wanted = list(dict.fromkeys(ids))
        found = {one.interaction_id: one for one in self.each(tenant, wanted)}
        return [found[session] for session in wanted if session in found]

    def each(self, tenant: str, ids: Iterable[str]) -> Iterator[Interaction]:
        """The same one by one, as they are read: by the time at which they began."""
        wanted = list(dict.fromkeys(ids))
        states: dict[str, Row] = {}
        for some in _chunks(wanted, _REFS_A_QUERY):
            rows = self._store.rows(statements.SESSIONS, tenants=[tenant], sessions=some)
            states |= {row["session_id"]: row for row in rows}
        for batch in _batches(wanted, states):
            yield from self._read(tenant, batch, states)

    def _refs(self, found: Sequence[Row]) -> list[SessionRef]:
        prompt_versions: dict[tuple[str, str], str] = {}
        findings: dict[tuple[str, str], Counter[str]] = {}
        for some in _chunks(found, _REFS_A_QUERY):
            about = {
                "tenants": sorted({row["tenant_id"] for row in some}),
                "sessions": [row["session_id"] for row in some],
                **_span(some),
            }
            for row in self._store.rows(statements.STARTS, **about):
                prompt_versions[row["tenant_id"], row["session_id"]] = row["prompt_version"]
            for row in self._store.rows(statements.FINDINGS, **about):
                if row["status"] == "open":
                    findings.setdefault((row["tenant_id"], row["session_id"]), Counter())[row["severity"]] += 1
        return [
            _ref(
                row,
                prompt_versions.get((row["tenant_id"], row["session_id"]), ""),
                findings.get((row["tenant_id"], row["session_id"]), {}),
            )
            for row in found
        ]

    def _read(self, tenant: str, batch: Sequence[str], states: Mapping[str, Row]) -> Iterator[Interaction]:
        known = [states[session] for session in batch if session in states]
        # Of a session without a row the time is not known.
        span = _span(known) if len(known) == len(batch) else {"since": 0, "until": to_us(LATEST)}
        rows = self._store.rows(statements.EVENTS, tenant=tenant, sessions=list(batch), limit=MAX_EVENTS + 1, **span)
        truncated = len(rows) > MAX_EVENTS
        if truncated and len(batch) > 1:
            # They have grown since their rows were written: fewer at a time, or the last would be missing.
            half = len(batch) // 2
            yield from self._read(tenant, batch[:half], states)
            yield from self._read(tenant, batch[half:], states)
            return
        grouped: dict[str, list[Row]] = {}
        for row in rows[:MAX_EVENTS]:
            grouped.setdefault(row["session_id"], []).append(row)
        sessions = {session: read_events(of) for session, of in grouped.items()}
        texts = self._texts(tenant, sessions)
        findings: dict[str, list[Row]] = {}
        for row in self._store.rows(statements.FINDINGS, tenants=[tenant], sessions=list(batch), **span):
            findings.setdefault(row["session_id"], []).append(row)
        for session, events in sessions.items():
            if any(event.event is not None for event in events):
                status = states[session]["status"] if session in states else ""
                yield assemble(
                    SessionRows(events, texts[session], findings.get(session, []), status, truncated=truncated)
                )

    def _texts(self, tenant: str, sessions: Mapping[str, list[StoredEvent]]) -> dict[str, SessionTexts]:
        texts = {session: SessionTexts(events) for session, events in sessions.items()}
        wanted = list(dict.fromkeys(address for one in texts.values() for address in one.wanted))
        stored: dict[str, list[Row]] = {}
        for some in _chunks(wanted, _ADDRESSES_A_QUERY):
            for row in self._store.rows(statements.CONTENTS, tenant=tenant, addresses=some):
                stored.setdefault(row["address"], []).append(row)
        for one in texts.values():
            one.add_stored(row for address in one.wanted for row in stored.get(address, ()))
        return texts


def _batches(wanted: Sequence[str], states: Mapping[str, Row]) -> Iterator[list[str]]:
    """Sessions that lie near each other in time, so many that their events fit into one answer."""
    batch: list[str] = []
    events = 0
    for session in sorted(wanted, key=lambda one: (states[one]["started_at"] if one in states else EARLIEST, one)):
        many = min(states[session]["events"], MAX_EVENTS) if session in states else _EVENTS_A_QUERY // 20
        if batch and (events + many > _EVENTS_A_QUERY or len(batch) == _SESSIONS_A_QUERY):
            yield batch
            batch, events = [], 0
        batch.append(session)
        events += many
    if batch:
        yield batch


def _span(rows: Sequence[Row]) -> dict[str, int]:
    """The time in which events of sessions and findings about them lie, in microseconds since 1970."""
    first = min(row["started_at"] for row in rows)
    last = max(row["ended_at"] for row in rows)
    since = first - _DAY if first - EARLIEST > _DAY else EARLIEST
    until = last + _LONGEST_SILENCE if LATEST - last > _LONGEST_SILENCE else LATEST
    return {"since": to_us(since), "until": to_us(until)}


def _ref(row: Row, prompt_version: str, findings: Mapping[str, int]) -> SessionRef:
    return SessionRef(
        tenant_id=row["tenant_id"],
        session_id=row["session_id"],
        root_session_id=row["root_session_id"],
        agent_id=row["agent_id"],
        agent_version=row["agent_version"],
        model=row["model"],
        prompt_version=prompt_version,
        intent=row["intent"],
        environment=row["environment"],
        origin=row["origin"],
        retention_class=row["retention_class"],
        status=row["status"],
        started_at=row["started_at"],
        ended_at=row["ended_at"],
        events=row["events"],
        tool_calls=row["tool_calls"],
        tokens=row["tokens"],
        cost_usd=float(row["cost_usd"]),
        findings=dict(findings),
    )


def _chunks(items: Sequence[Any], size: int) -> Iterator[list[Any]]:
    return (list(items[start : start + size]) for start in range(0, len(items), size))
