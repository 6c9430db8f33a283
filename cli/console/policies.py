"""Policies in force, out of the store: who runs under which, what they say, and what is unwise in them."""

from __future__ import annotations

from datetime import datetime
from typing import Final

import yaml

from watchkeeper.cli import queries
from watchkeeper.cli.policies.checking import check_text
from watchkeeper.cli.store import ReadStore
from watchkeeper.dashboards.console.policy_source import PolicyRemark, PolicyText, PolicyUse
from watchkeeper.schemas.policy import AgentPolicy, default_policy

_SESSIONS_A_DAY: Final = 1000
"""For the check's worst day, which the page does not show."""

# A session that moved to another partition has a row in each: its latest one counts.
_USES: Final = """
SELECT
    tenant_id,
    agent_id,
    origin,
    address,
    min(begun) AS first_at,
    max(begun) AS last_at,
    count() AS sessions,
    countIf(state = 'open') AS open_sessions
FROM (
    SELECT
        tenant_id,
        session_id,
        argMax(sessions.agent_id, (last_event_at, version)) AS agent_id,
        argMax(sessions.origin, (last_event_at, version)) AS origin,
        argMax(policy_address, (last_event_at, version)) AS address,
        argMax(status, (last_event_at, version)) AS state,
        argMax(started_at, (last_event_at, version)) AS begun
    FROM sessions
    WHERE stored_at >= fromUnixTimestamp64Micro({since:Int64}, 'UTC')
        AND ({tenant:String} = '' OR tenant_id = {tenant:String})
    GROUP BY tenant_id, session_id
)
WHERE begun >= fromUnixTimestamp64Micro({since:Int64}, 'UTC') AND agent_id != ''
GROUP BY tenant_id, agent_id, origin, address
ORDER BY tenant_id, origin, agent_id, last_at DESC, address
LIMIT 2000
"""


class StoredPolicies:
    """See `watchkeeper.dashboards.console.policy_source.Policies`.

    Args:
        store: ClickHouse.
    """

    def __init__(self, store: ReadStore) -> None:
        self._store = store

    def uses(self, tenant: str, since: datetime) -> list[PolicyUse]:
        """See `Policies.uses`."""
        found: list[PolicyUse] = []
        latest: set[tuple[str, str, str]] = set()
        for row in self._store.rows(_USES, tenant=tenant, since=since):
            who = (row["tenant_id"], row["origin"], row["agent_id"])
            found.append(PolicyUse(**row, in_force=who not in latest))
            latest.add(who)
        return found

    def text(self, tenant: str, agent: str, address: str) -> PolicyText:
        """See `Policies.text`."""
        if not address:
            policy = default_policy(agent)
            return PolicyText("", policy, _written(policy))
        parts = self._store.rows(queries.CONTENTS, tenant=tenant, addresses=[address])
        if not parts or len(parts) < parts[0]["parts"]:
            return PolicyText(address, None, "", is_missing=True)
        text = "".join(part["text"] for part in parts)
        checked = check_text(text.encode(), agent, sessions=_SESSIONS_A_DAY)
        remarks = tuple(PolicyRemark(one.level, one.field, one.text) for one in checked.remarks)
        written = text if checked.policy is None else _written(checked.policy)
        return PolicyText(address, checked.policy, written, remarks)


def _written(policy: AgentPolicy) -> str:
    set_here = policy.model_dump(mode="json", exclude_defaults=True)
    return yaml.safe_dump(set_here, sort_keys=False, allow_unicode=True, width=100)
