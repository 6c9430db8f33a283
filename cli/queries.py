"""The statements that commands send to ClickHouse about sessions and their events, and what all statements share.

Those about findings are in `finding_queries`, about commands in `control_queries`, about dead letters in
`letter_queries`. All are constant: what people give is bound as a parameter, and an empty parameter filters nothing.
Moments are microseconds since 1970. `FINAL` takes the latest version of each row.
"""

from __future__ import annotations

from typing import Final

SESSION_COLUMNS: Final = """
    tenant_id, session_id, root_session_id, parent_session_id, agent_id, agent_version, environment, origin, user_id,
    customer_id, workflow, intent, model, started_at, last_event_at, status, events, tool_calls, tokens, input_tokens,
    output_tokens, cost_usd, unpriced_requests, findings, worst_severity, policy_address, retention_class, stored_at
"""

_WANTED: Final = """
    stored_at >= fromUnixTimestamp64Micro({stored_since:Int64}, 'UTC')
    AND last_event_at >= fromUnixTimestamp64Micro({since:Int64}, 'UTC')
    AND started_at < fromUnixTimestamp64Micro({until:Int64}, 'UTC')
    AND ({tenant:String} = '' OR tenant_id = {tenant:String})
    AND ({agent:String} = '' OR agent_id = {agent:String})
    AND ({user:String} = '' OR user_id = {user:String})
    AND ({customer:String} = '' OR customer_id = {customer:String})
    AND ({status:String} = '' OR status = {status:String})
    AND ({origin:String} = '' OR origin = {origin:String})
    AND ({intent:String} = '' OR intent = {intent:String})
    AND ({version:String} = '' OR agent_version = {version:String})
    AND (empty({severities:Array(String)}) OR worst_severity IN {severities:Array(String)})
    AND ({with_findings:UInt8} = 0 OR findings > 0)
    AND (
        {mode:String} = '' OR (tenant_id, session_id) IN (
            SELECT tenant_id, assumeNotNull(session_id)
            FROM findings
            WHERE failure_mode = {mode:String} AND isNotNull(session_id)
                AND stored_at >= fromUnixTimestamp64Micro({stored_since:Int64}, 'UTC')
                AND ({tenant:String} = '' OR tenant_id = {tenant:String})
                AND ({agent:String} = '' OR agent_id = {agent:String})
        )
    )
    AND (
        {after_session:String} = ''
        OR started_at < fromUnixTimestamp64Micro({after:Int64}, 'UTC')
        OR (
            started_at = fromUnixTimestamp64Micro({after:Int64}, 'UTC')
            AND (session_id, tenant_id) > ({after_session:String}, {after_tenant:String})
        )
    )
"""

# Which they are is asked of the copy in order of time, and they themselves by key. A session that was opened anew is
# in the copy twice, so what is wanted is asked again of the row that holds. `last_event_at` grows with the versions
# of a row: leaving granules out by it leaves no latest version out. `state` is left out: it is most of a row.
SESSIONS: Final = f"""
SELECT {SESSION_COLUMNS}
FROM sessions FINAL
WHERE (source_partition, tenant_id, session_id) IN (
    SELECT source_partition, tenant_id, session_id
    FROM sessions_by_time FINAL
    WHERE {_WANTED}
        AND opened_at < fromUnixTimestamp64Micro({{opened_until:Int64}}, 'UTC')
    ORDER BY started_at DESC, session_id, tenant_id
    LIMIT {{limit:UInt32}}
) AND {_WANTED}
ORDER BY started_at DESC, session_id, tenant_id
LIMIT {{limit:UInt32}}
SETTINGS use_skip_indexes_if_final = 1, use_skip_indexes_if_final_exact_mode = 0
"""  # noqa: S608 - put together from constants

# Those that handed work to one another: a tree lives for days, not for months.
SESSIONS_OF_TREE: Final = f"""
SELECT {SESSION_COLUMNS}
FROM sessions_by_time FINAL
WHERE tenant_id = {{tenant:String}} AND root_session_id = {{root:String}}
    AND opened_at >= fromUnixTimestamp64Micro({{since:Int64}}, 'UTC') - INTERVAL 1 DAY
    AND opened_at < fromUnixTimestamp64Micro({{until:Int64}}, 'UTC') + INTERVAL 1 DAY
    AND started_at >= fromUnixTimestamp64Micro({{since:Int64}}, 'UTC')
    AND started_at < fromUnixTimestamp64Micro({{until:Int64}}, 'UTC')
ORDER BY started_at, session_id
LIMIT 200
"""  # noqa: S608 - put together from constants

# By the bloom index on session_id.
TENANTS_OF_SESSION: Final = """
SELECT DISTINCT tenant_id FROM sessions WHERE session_id = {session:String} ORDER BY tenant_id LIMIT 20
"""

# The events' key begins with the tenant, of which there are few: their granules are skipped by its second part.
TENANTS_OF_EVENTS: Final = """
SELECT DISTINCT tenant_id FROM events WHERE session_id = {session:String} ORDER BY tenant_id LIMIT 20
"""

# The key begins with the partition; a session that moved to another one has its latest row there.
SESSION: Final = f"""
SELECT {SESSION_COLUMNS}
FROM sessions FINAL
WHERE tenant_id = {{tenant:String}} AND session_id = {{session:String}}
ORDER BY last_event_at DESC, version DESC
LIMIT 1
"""  # noqa: S608 - put together from constants

NEAREST_SESSIONS: Final = """
SELECT DISTINCT session_id
FROM sessions
WHERE stored_at >= fromUnixTimestamp64Micro({stored_since:Int64}, 'UTC')
    AND ({tenant:String} = '' OR tenant_id = {tenant:String})
ORDER BY startsWith(session_id, {session:String}) DESC, editDistance(session_id, {session:String}), session_id
LIMIT 3
"""

# By primary key.
EVENTS_OF_SESSION: Final = """
SELECT
    writer_id, seq, digest, type, event_id, schema_version, tenant_id, session_id, root_session_id, parent_session_id,
    occurred_at, agent_id, agent_version, workflow, step, turn, environment, origin, retention_class, trace_id,
    span_id, user_id, customer_id, attributes, writer_salt, data, source_partition, source_offset, source_line, late,
    received_at, cost_usd, price_status, price_version
FROM events FINAL
WHERE tenant_id = {tenant:String} AND session_id = {session:String}
ORDER BY writer_id, seq, digest
LIMIT {limit:UInt32}
"""

# By primary key.
CONTENTS: Final = """
SELECT address, part, parts, size, media_type, text
FROM contents FINAL
WHERE tenant_id = {tenant:String} AND address IN {addresses:Array(String)}
ORDER BY address, part
"""
