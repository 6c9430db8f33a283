"""The queries by which sessions are read for evaluation.

All are constant; what is asked for is bound. Moments are microseconds since 1970. None uses `FINAL`: over many days it
would merge all that is stored in them, where the latest version of the few rows asked for is told by their keys.
"""

from __future__ import annotations

from typing import Final

_LATEST: Final = "(last_event_at, version)"
_KEPT: Final = (
    *("root_session_id", "agent_id", "agent_version", "environment", "origin", "intent", "model", "started_at"),
    *("status", "events", "tool_calls", "tokens", "cost_usd", "retention_class"),
)
_SESSION: Final = ",\n        ".join(f"argMax(sessions.{name}, {_LATEST}) AS {name}" for name in _KEPT)

# Rows, not sessions: to group what may be millions for each page would take longer than any question may. A row that is
# not its session's latest is told by `SESSIONS`.
ENDED: Final = """
SELECT tenant_id, session_id, last_event_at
FROM sessions
WHERE last_event_at >= fromUnixTimestamp64Micro({since:Int64}, 'UTC')
    AND last_event_at < fromUnixTimestamp64Micro({until:Int64}, 'UTC')
    AND (last_event_at, tenant_id, session_id)
        > (fromUnixTimestamp64Micro({after:Int64}, 'UTC'), {after_tenant:String}, {after_session:String})
    AND status != 'open'
    AND ({tenant:String} = '' OR tenant_id = {tenant:String})
    AND ({agent:String} = '' OR agent_id = {agent:String})
    AND ({origin:String} = '' OR origin = {origin:String})
    AND ({environment:String} = '' OR environment = {environment:String})
ORDER BY last_event_at, tenant_id, session_id
LIMIT 1 BY last_event_at, tenant_id, session_id
LIMIT {limit:UInt32}
"""

# A session that moved to another partition has a row in each: the one that heard of it last holds.
# By the bloom index on session_id.
SESSIONS: Final = f"""
SELECT
    tenant_id,
    session_id,
    {_SESSION},
    max(last_event_at) AS ended_at
FROM sessions
WHERE tenant_id IN {{tenants:Array(String)}} AND session_id IN {{sessions:Array(String)}}
GROUP BY tenant_id, session_id
"""  # noqa: S608 - put together from constants

# By primary key.
EVENTS: Final = """
SELECT
    writer_id, seq, digest, type, event_id, schema_version, tenant_id, session_id, root_session_id, parent_session_id,
    occurred_at, agent_id, agent_version, workflow, step, turn, environment, origin, retention_class, trace_id,
    span_id, user_id, customer_id, attributes, writer_salt, data, source_partition, source_offset, source_line, late,
    cost_usd, price_status, price_version
FROM events
WHERE tenant_id = {tenant:String} AND session_id IN {sessions:Array(String)}
    AND occurred_at >= fromUnixTimestamp64Micro({since:Int64}, 'UTC')
    AND occurred_at < fromUnixTimestamp64Micro({until:Int64}, 'UTC')
ORDER BY session_id, writer_id, seq, digest, stored_at DESC
LIMIT 1 BY session_id, writer_id, seq, digest
LIMIT {limit:UInt32}
"""

# By primary key.
STARTS: Final = """
SELECT tenant_id, session_id, max(JSONExtractString(data, 'prompt_version')) AS prompt_version
FROM events
WHERE tenant_id IN {tenants:Array(String)} AND session_id IN {sessions:Array(String)}
    AND occurred_at >= fromUnixTimestamp64Micro({since:Int64}, 'UTC')
    AND occurred_at < fromUnixTimestamp64Micro({until:Int64}, 'UTC')
    AND type = 'session_started'
GROUP BY tenant_id, session_id
"""

# By primary key.
CONTENTS: Final = """
SELECT address, part, parts, text
FROM contents
WHERE tenant_id = {tenant:String} AND address IN {addresses:Array(String)}
ORDER BY address, part, keep_until DESC
LIMIT 1 BY address, part
"""

# By the days of the sessions, and the bloom index on session_id. A finding told twice falls into one day.
FINDINGS: Final = """
SELECT
    tenant_id,
    assumeNotNull(session_id) AS session_id,
    finding_id,
    argMax(findings.failure_mode, revision) AS failure_mode,
    argMax(findings.kind, revision) AS kind,
    argMax(findings.severity, revision) AS severity,
    argMax(findings.status, revision) AS status
FROM findings
WHERE tenant_id IN {tenants:Array(String)} AND findings.session_id IN {sessions:Array(String)}
    AND first_event_at >= fromUnixTimestamp64Micro({since:Int64}, 'UTC')
    AND first_event_at < fromUnixTimestamp64Micro({until:Int64}, 'UTC')
    AND (tenant_id, finding_id) NOT IN (
        SELECT tenant_id, finding_id
        FROM verdicts
        WHERE tenant_id IN {tenants:Array(String)}
        GROUP BY tenant_id, finding_id
        HAVING argMax(verdict, (given_at, verdict_id)) = 'wrong'
    )
GROUP BY tenant_id, session_id, finding_id
ORDER BY tenant_id, session_id, finding_id
"""
