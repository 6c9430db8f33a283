"""Whether the store holds what was sent: counted writer by writer, until all is there or nothing comes any more."""

from __future__ import annotations

import base64
import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Final

from watchkeeper.cli.store import ReadStore, Row
from watchkeeper.producers.importers.ledger import WriterKey
from watchkeeper.schemas.wire import record_key

POLL_SECONDS: Final = 0.25

_PARAMETER_BYTES: Final = 16_000
"""Parameters travel in the request's line, which servers bound at some 64 KiB; escapes may triple them."""

# By primary key. A row that stands twice until its parts are merged counts once.
STORED: Final = """
SELECT session_id, writer_id, type, uniqExact(event_id) AS events
FROM events
WHERE tenant_id = {tenant:String} AND session_id IN {sessions:Array(String)}
GROUP BY session_id, writer_id, type
"""

# A whole table, but one that is empty where nothing is wrong.
DEAD: Final = """
SELECT reason, count() AS letters
FROM dead_letters FINAL
WHERE key_base64 IN {keys:Array(String)} AND status = 'open'
GROUP BY reason
ORDER BY reason
"""

# By the first part of the key, and the bloom index on session_id.
FOUND: Final = """
SELECT kind, severity, count() AS findings, uniqExact(session_id) AS sessions
FROM findings FINAL
WHERE tenant_id = {tenant:String} AND session_id IN {sessions:Array(String)} AND status = 'open'
GROUP BY kind, severity
"""

OnProgress = Callable[[int], None]
"""Told how many of the expected events are stored."""


@dataclass(slots=True)
class Arrival:
    """What the store holds of an import.

    Attributes:
        stored: events, by type.
        missing: events that were acknowledged by the broker and are not stored.
        dead: lines of these sessions among the dead letters, by reason.
    """

    stored: Counter[str] = field(default_factory=Counter)
    missing: int = 0
    dead: dict[str, int] = field(default_factory=dict)


@dataclass(slots=True)
class FindingCount:
    """How often something was found, and in how many sessions."""

    kind: str
    severity: str
    findings: int = 0
    sessions: int = 0


def await_arrival(
    store: ReadStore,
    expected: Mapping[WriterKey, int],
    *,
    patience_seconds: float,
    on_progress: OnProgress | None = None,
) -> Arrival:
    """Waits until every expected event is stored or dead-lettered.

    Args:
        store: where it is looked up.
        expected: events by writer.
        patience_seconds: gives up when so long nothing new was stored.
        on_progress: told where it stands.
    """
    waiting, done = dict(expected), Counter[str]()
    least, deadline = sum(waiting.values()) + 1, time.monotonic() + patience_seconds
    while True:
        partly = _take_complete(_stored(store, waiting), waiting, done)
        missing = sum(waiting.values()) - partly.total()
        if on_progress is not None:
            on_progress(sum(expected.values()) - missing)
        if not missing:
            return Arrival(done)
        if missing < least:
            least, deadline = missing, time.monotonic() + patience_seconds
        else:
            dead = _dead(store, waiting)
            if sum(dead.values()) >= missing or time.monotonic() > deadline:
                return Arrival(done + partly, missing, dead)
        time.sleep(POLL_SECONDS)


def count_findings(store: ReadStore, writers: Iterable[WriterKey]) -> list[FindingCount]:
    """What was found in the sessions of these writers, most frequent first."""
    counts: dict[tuple[str, str], FindingCount] = {}
    for tenant, sessions in _some_sessions(writers):
        for row in store.rows(FOUND, tenant=tenant, sessions=sessions):
            key = (row["kind"], row["severity"])
            count = counts.setdefault(key, FindingCount(*key))
            count.findings += row["findings"]
            count.sessions += row["sessions"]
    return sorted(counts.values(), key=lambda count: (-count.findings, count.kind, count.severity))


def _take_complete(
    stored: Mapping[WriterKey, Counter[str]], waiting: dict[WriterKey, int], done: Counter[str]
) -> Counter[str]:
    """Moves writers that are complete from `waiting` to `done`; answers what is stored of the others."""
    partly: Counter[str] = Counter()
    for key, by_type in stored.items():
        if key not in waiting:
            # Another writer of the same session: a page where people approve, or an earlier import.
            continue
        if by_type.total() >= waiting[key]:
            done.update(by_type)
            del waiting[key]
        else:
            partly.update(by_type)
    return partly


def _stored(store: ReadStore, writers: Iterable[WriterKey]) -> dict[WriterKey, Counter[str]]:
    found: dict[WriterKey, Counter[str]] = {}
    for tenant, sessions in _some_sessions(writers):
        for row in store.rows(STORED, tenant=tenant, sessions=sessions):
            key = WriterKey(tenant, row["session_id"], row["writer_id"])
            found.setdefault(key, Counter())[row["type"]] += row["events"]
    return found


def _dead(store: ReadStore, writers: Iterable[WriterKey]) -> dict[str, int]:
    found: Counter[str] = Counter()
    for tenant, sessions in _some_sessions(writers):
        keys = [base64.b64encode(record_key(tenant, session)).decode() for session in sessions]
        rows: list[Row] = store.rows(DEAD, keys=keys)
        found.update({row["reason"]: row["letters"] for row in rows})
    return dict(found)


def _some_sessions(writers: Iterable[WriterKey]) -> Iterator[tuple[str, list[str]]]:
    """Sessions by tenant, as many at a time as fit into one question."""
    by_tenant: dict[str, dict[str, None]] = {}
    for writer in writers:
        by_tenant.setdefault(writer.tenant_id, {})[writer.session_id] = None
    for tenant, sessions in by_tenant.items():
        some: list[str] = []
        size = 0
        for session in sessions:
            some.append(session)
            size += len(session.encode()) + 3
            if size > _PARAMETER_BYTES:
                yield tenant, some
                some, size = [], 0
        if some:
            yield tenant, some
