"""People's verdicts for the alert router."""

from __future__ import annotations

from datetime import datetime
from typing import Final

from watchkeeper.cli import finding_queries
from watchkeeper.cli.store import ReadStore
from watchkeeper.dashboards.alerting.holding import Mute
from watchkeeper.schemas.model import to_us
from watchkeeper.schemas.verdicts import VerdictRow

_VERDICTS: Final = """
SELECT
    tenant_id, finding_id, verdict_id, verdict, reason, given_by, given_at, muted_until, revision, failure_mode, kind,
    rule_id, rule_version, agent_id, about
FROM verdicts FINAL
WHERE stored_at >= fromUnixTimestamp64Micro({since:Int64}, 'UTC')
ORDER BY given_at, verdict_id
"""


class People:
    """See `watchkeeper.dashboards.alerting.ports.People`.

    Args:
        store: ClickHouse.
    """

    def __init__(self, store: ReadStore) -> None:
        self._store = store

    def mutes(self) -> list[Mute]:
        """See the port."""
        return [
            Mute(
                key=(row["tenant_id"], row["rule_id"], row["agent_id"], row["kind"], row["about"]),
                until_us=to_us(row["muted_until"]),
                by=row["verdict_by"],
                reason=row["verdict_reason"],
            )
            for row in self._store.rows(finding_queries.MUTES)
        ]

    def verdicts(self, stored_since: datetime) -> list[VerdictRow]:
        """See the port."""
        return [VerdictRow(**row) for row in self._store.rows(_VERDICTS, since=stored_since)]
