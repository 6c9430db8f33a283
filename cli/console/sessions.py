"""Sessions for the console: those of `watchkeeper sessions` and `watchkeeper session show`."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any, Final

from watchkeeper.cli import queries
from watchkeeper.cli.console.errors import as_not_there
from watchkeeper.cli.console.telling import story_of
from watchkeeper.cli.record.model import Record
from watchkeeper.cli.record.reading import read_record
from watchkeeper.cli.session_list import list_sessions
from watchkeeper.cli.store import ReadStore, Row
from watchkeeper.dashboards.console.story import Story
from watchkeeper.schemas.model import EARLIEST, LATEST

_BEFORE: Final = timedelta(days=7)
_AFTER: Final = timedelta(days=31)


class StoredSessions:
    """See `watchkeeper.dashboards.console.session_source.Sessions`."""

    def __init__(self, store: ReadStore) -> None:
        self._store = store

    def listed(self, *, limit: int, after: tuple[datetime, str, str] | None, **filters: Any) -> list[Row]:
        """Sessions, newest first."""
        place = {} if after is None else dict(zip(("after", "after_session", "after_tenant"), after, strict=True))
        return list_sessions(self._store, limit=limit, **place, **filters)

    def story(self, session_id: str, tenant: str) -> Story:
        """One session, told."""
        with as_not_there():
            record = read_record(self._store, session_id, tenant)
        return story_of(record, self._family(record))

    def _family(self, record: Record) -> list[Row]:
        facts = record.facts
        return self._store.rows(
            queries.SESSIONS_OF_TREE,
            tenant=facts["tenant_id"],
            root=facts["root_session_id"] or facts["session_id"],
            since=max(EARLIEST, facts["started_at"] - _BEFORE),
            until=min(LATEST, facts["started_at"] + _AFTER),
        )
