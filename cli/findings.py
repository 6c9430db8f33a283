"""Findings, read from the store with what people said of them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any, Final

from watchkeeper.cli import finding_queries
from watchkeeper.cli.exit_codes import NotFoundError
from watchkeeper.cli.store import ReadStore, Row
from watchkeeper.schemas.model import EARLIEST

_NEAR: Final = timedelta(days=30)
_FIRST_PAGE: Final = {"after_stored": EARLIEST, "after_detected": EARLIEST, "after_finding": ""}


def query_findings(store: ReadStore, *, stored_since: datetime, **parameters: Any) -> list[Row]:
    """Findings that were stored since then, newest first.

    Args:
        store: where they are.
        stored_since: bounds what is read at all.
        **parameters: of `finding_queries.FINDINGS`. A page goes on after the last finding of the page before: its
            `stored_at`, `detected_at` and id are `after_stored`, `after_detected`, `after_finding`; without them it is
            the first.
    """
    days = [int(row["partition"]) for row in store.rows(finding_queries.FINDING_DAYS, stored_since=stored_since)]
    if not days:
        return []
    return store.rows(finding_queries.FINDINGS, days=days, stored_since=stored_since, **{**_FIRST_PAGE, **parameters})


def find(store: ReadStore, finding_id: str, tenant: str = "") -> Row:
    """The latest revision of a finding, with the verdict that holds on it and whether it is muted now.

    Args:
        store: where it is.
        finding_id: which finding.
        tenant: whose; any tenant's where it is empty: an id belongs to one.

    Raises:
        NotFoundError: there is none; the message names the nearest ids.
        StoreUnavailableError: see `ReadStore`.
    """
    row = store.row(finding_queries.FINDING, finding=finding_id, tenant=tenant)
    if row is not None:
        return row
    since = datetime.now(UTC) - _NEAR
    near = store.rows(finding_queries.NEAREST_FINDINGS, finding=finding_id, tenant=tenant, since=since)
    ids = ", ".join(one["finding_id"] for one in near)
    whose = f" of tenant {tenant}" if tenant else ""
    advice = f"did you mean {ids}?" if near else "nothing at all was found in the last 30 days"
    raise NotFoundError(f"no finding {finding_id}{whose}: {advice}")


def history(store: ReadStore, finding: Row) -> list[Row]:
    """All that people said of a finding, the earliest first."""
    return store.rows(finding_queries.VERDICTS_OF_FINDING, tenant=finding["tenant_id"], finding=finding["finding_id"])
