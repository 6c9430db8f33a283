"""Sessions out of the store, newest first, a page at a time."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from typing import Any, Final

from watchkeeper.cli import queries
from watchkeeper.cli.store import ReadStore, Row
from watchkeeper.schemas.model import EARLIEST, LATEST

_EVERY: Final[Mapping[str, Any]] = {
    "stored_since": EARLIEST, "since": EARLIEST, "until": LATEST, "after": EARLIEST, "after_session": "",
    "after_tenant": "", "tenant": "", "agent": "", "user": "", "customer": "", "status": "", "origin": "", "intent": "",
    "version": "", "mode": "", "severities": [], "with_findings": 0,
}  # fmt: skip
_AROUND: Final = timedelta(days=1)


def list_sessions(store: ReadStore, *, limit: int, **wanted: Any) -> list[Row]:
    """Sessions, newest first.

    Args:
        store: where they are.
        limit: how many at most.
        **wanted: parameters of `queries.SESSIONS`; what is not given filters nothing. A page goes on `after` the
            beginning of the last session of the page before, with its `after_session` and `after_tenant`.

    Raises:
        StoreUnavailableError: see `ReadStore`.
    """
    unknown = wanted.keys() - _EVERY.keys()
    if unknown:
        raise TypeError(f"no such filter: {', '.join(sorted(unknown))}")
    given = {**_EVERY, **wanted}
    # The rows are in order of when a session was first heard of; its beginning may be told a day later.
    opened_until = min(LATEST - _AROUND, given["until"]) + _AROUND
    return store.rows(queries.SESSIONS, **given, opened_until=opened_until, limit=limit)
