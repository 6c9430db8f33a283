"""Which sessions are labelled next: the draw that is under way, or a new one."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import islice
from typing import Any, Final

from watchkeeper.cli.exit_codes import NotFoundError
from watchkeeper.evals.interaction import Interaction
from watchkeeper.evals.labelling import statements
from watchkeeper.evals.labelling.drawing import Worth, order
from watchkeeper.evals.labelling.records import About, LabelRecords, Store
from watchkeeper.evals.labelling.worth import worth_of
from watchkeeper.evals.reading.reader import InteractionReader
from watchkeeper.schemas.failure_modes import SEVERITIES
from watchkeeper.schemas.ids import uuid7
from watchkeeper.schemas.labels import DrawRow
from watchkeeper.schemas.scores import Score

MAX_CANDIDATES: Final = 100_000
_REMEMBERED: Final = timedelta(days=90)
_A_QUERY: Final = 500
_FIELDS: Final = ("origin", "agent_id", "agent_version", "model", "intent", "environment")


@dataclass(frozen=True, slots=True)
class Queue:
    """A draw, and how far it has come.

    Attributes:
        rows: the draw, in its order.
        handled: sessions that somebody has labelled or skipped.
    """

    rows: tuple[DrawRow, ...]
    handled: frozenset[str]

    @property
    def left(self) -> list[DrawRow]:
        """What nobody has labelled, in order."""
        return [row for row in self.rows if row.session_id not in self.handled]


@dataclass(frozen=True, slots=True)
class Wish:
    """What a new draw is to be.

    Attributes:
        origin: of the sessions.
        wanted: how many sessions that nobody has labelled.
        random_share: which part is drawn evenly.
        by: who draws.
    """

    origin: str
    wanted: int
    random_share: float
    by: str


def under_way(records: LabelRecords, about: About, now: datetime) -> Queue | None:
    """The latest draw, if something of it is left."""
    far = About(about.tenant, about.agent, now - _REMEMBERED, now + timedelta(days=1))
    rows = [row for row in records.draws(far) if row.agent_id == about.agent]
    if not rows:
        return None
    last = max(rows, key=lambda row: (row.drawn_at, row.draw_id)).draw_id
    mine = tuple(row for row in rows if row.draw_id == last)
    span = About(about.tenant, about.agent, mine[0].since, mine[0].until)
    queue = Queue(mine, _handled(records, span))
    return queue if queue.left else None


def drawn_anew(records: LabelRecords, reader: InteractionReader, about: About, wish: Wish, now: datetime) -> Queue:
    """A new draw, stored.

    Raises:
        NotFoundError: no session ended in that time, or all of them are labelled.
    """
    refs = list(
        islice(
            reader.ended_between(about.tenant, about.since, about.until, agent=about.agent, origin=wish.origin),
            MAX_CANDIDATES,
        )
    )
    scores: dict[str, list[Score]] = {}
    for score in records.scores(about, origin=wish.origin):
        scores.setdefault(score.session_id, []).append(score)
    # Where sessions are scored, labels are to correct those scores: of unscored sessions they would correct nothing.
    scored = [ref for ref in refs if ref.session_id in scores]
    candidates = [
        worth_of(ref.session_id, scores.get(ref.session_id, ()), _worst(ref.findings)) for ref in scored or refs
    ]
    handled = _handled(records, about)
    if not any(one.session_id not in handled for one in candidates):
        what = "all of them are labelled" if candidates else "none ended in that time"
        raise NotFoundError(f"there is no session to label: {what}; look elsewhere with --since, --agent or --origin")
    rows = _rows(about, wish, candidates, handled, now)
    records.keep_draw(rows)
    return Queue(rows, handled)


def _rows(
    about: About, wish: Wish, candidates: Sequence[Worth], handled: frozenset[str], now: datetime
) -> tuple[DrawRow, ...]:
    placed = order(about.tenant, candidates, wish.wanted, handled=handled, random_share=wish.random_share)
    draw_id = uuid7()
    return tuple(
        DrawRow(
            tenant_id=about.tenant,
            draw_id=draw_id,
            session_id=one.session_id,
            agent_id=about.agent,
            position=position,
            size=one.size,
            priority=one.priority,
            next_priority=one.next_priority,
            stratum=one.stratum,
            why=one.why[:2000],
            candidates=len(candidates),
            since=about.since,
            until=about.until,
            drawn_by=wish.by,
            drawn_at=now,
        )
        for position, one in enumerate(placed)
    )


def _handled(records: LabelRecords, about: About) -> frozenset[str]:
    return frozenset(label.session_id for label in records.labels(about))


def _worst(findings: Mapping[str, int]) -> str:
    return max((one for one, count in findings.items() if count), key=SEVERITIES.index, default="")


def session_fields(interaction: Interaction) -> dict[str, Any]:
    """What a label keeps of the session that it is about."""
    found = {name: getattr(interaction, name) for name in (*_FIELDS, "prompt_version", "retention_class")}
    return {**found, "occurred_at": interaction.ended_at}


def known_sessions(store: Store, sessions: Iterable[tuple[str, str]]) -> dict[tuple[str, str], dict[str, Any]]:
    """The same of stored sessions without their texts, by tenant and session; those that are not stored are missing.

    The prompt's version is not looked up: it stands among the session's events.
    """
    by_tenant: dict[str, list[str]] = {}
    for tenant, session in sessions:
        by_tenant.setdefault(tenant, []).append(session)
    found: dict[tuple[str, str], dict[str, Any]] = {}
    for tenant, ids in by_tenant.items():
        for start in range(0, len(ids), _A_QUERY):
            for row in store.rows(statements.SESSIONS, tenant=tenant, sessions=ids[start : start + _A_QUERY]):
                fields = {name: row[name] for name in (*_FIELDS, "retention_class")}
                found[tenant, row["session_id"]] = {**fields, "occurred_at": row["ended_at"]}
    return found
