"""Every statement that commands send to ClickHouse.

All are constant: what people give is bound as a parameter, and an empty parameter filters nothing. Moments are
microseconds since 1970. `FINAL` takes the latest version of each row.
"""

from __future__ import annotations

from typing import Final

SESSION_COLUMNS: Final = """
    tenant_id, session_id, root_session_id, parent_session_id, agent_id, agent_version, environment, origin, user_id,
    customer_id, workflow, intent, model, started_at, last_event_at, status, events, tool_calls, tokens, input_tokens,
    output_tokens, cost_usd, unpriced_requests, findings, worst_severity, policy_address, retention_class, stored_at
"""

# `state` is left out: it is most of a row, and the worker's own.
SESSIONS: Final = f"""
SELECT {SESSION_COLUMNS}
FROM sessions FINAL
WHERE stored_at >= fromUnixTimestamp64Micro({{stored_since:Int64}}, 'UTC')
    AND last_event_at >= fromUnixTimestamp64Micro({{since:Int64}}, 'UTC')
    AND started_at < fromUnixTimestamp64Micro({{until:Int64}}, 'UTC')
    AND ({{tenant:String}} = '' OR tenant_id = {{tenant:String}})
    AND ({{agent:String}} = '' OR agent_id = {{agent:String}})
    AND ({{user:String}} = '' OR user_id = {{user:String}})
    AND ({{customer:String}} = '' OR customer_id = {{customer:String}})
    AND ({{status:String}} = '' OR status = {{status:String}})
    AND ({{origin:String}} = '' OR origin = {{origin:String}})
    AND ({{with_findings:UInt8}} = 0 OR findings > 0)
ORDER BY started_at DESC, session_id
LIMIT {{limit:UInt32}}
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

# A finding told twice falls into one partition. Without being told so, ClickHouse (since 26.3) looks for it in all of
# them, whatever the time bounds.
_ONE_PARTITION: Final = "SETTINGS do_not_merge_across_partitions_select_final = 1"

FINDING_COLUMNS: Final = """
    tenant_id, finding_id, revision, status, session_id, root_session_id, subject, agent_id, agent_version,
    environment, origin, user_id, customer_id, failure_mode, kind, severity, rule_id, rule_version, rule_stage,
    summary, evidence, first_event_id, last_event_id, first_event_at, last_event_at, detected_at, policy_address,
    runbook, stored_at
"""

# By the days of the session, and the bloom index on session_id.
FINDINGS_OF_SESSION: Final = f"""
SELECT {FINDING_COLUMNS}
FROM findings FINAL
WHERE tenant_id = {{tenant:String}} AND session_id = {{session:String}}
    AND first_event_at >= fromUnixTimestamp64Micro({{since:Int64}}, 'UTC')
    AND first_event_at < fromUnixTimestamp64Micro({{until:Int64}}, 'UTC')
ORDER BY last_event_at, detected_at, finding_id
LIMIT 10000
{_ONE_PARTITION}
"""  # noqa: S608 - put together from constants

# By the key's first part; commands are few.
COMMANDS_OF_SESSION: Final = """
SELECT
    command_id, target_kind, target_id, action, tool_name, reason, issued_by, finding_id, issued_at, expires_at
FROM control_commands FINAL
WHERE tenant_id = {tenant:String}
    AND issued_at < fromUnixTimestamp64Micro({until:Int64}, 'UTC')
    AND expires_at >= fromUnixTimestamp64Micro({since:Int64}, 'UTC')
    AND (
        (target_kind = 'session' AND target_id IN {lineage:Array(String)})
        OR (target_kind = 'agent' AND target_id = {agent:String})
        OR (target_kind = 'tenant' AND target_id = {tenant:String})
    )
ORDER BY issued_at, command_id
LIMIT 1000
"""

# Recordings are found today and happened years ago, so the time of finding bounds no partition by itself. What was
# stored since then stands in parts that were written since then, and their partitions are the days to look at.
FINDING_DAYS: Final = """
SELECT DISTINCT partition
FROM system.parts
WHERE database = currentDatabase() AND table = 'findings' AND active
    AND modification_time >= toDateTime(fromUnixTimestamp64Micro({stored_since:Int64}, 'UTC')) - INTERVAL 1 HOUR
ORDER BY partition
"""

FINDINGS: Final = f"""
SELECT {FINDING_COLUMNS}
FROM findings FINAL
WHERE toYYYYMMDD(first_event_at) IN {{days:Array(UInt32)}}
    AND detected_at >= fromUnixTimestamp64Micro({{since:Int64}}, 'UTC')
    AND detected_at < fromUnixTimestamp64Micro({{until:Int64}}, 'UTC')
    AND stored_at >= fromUnixTimestamp64Micro({{stored_since:Int64}}, 'UTC')
    AND ({{tenant:String}} = '' OR tenant_id = {{tenant:String}})
    AND ({{mode:String}} = '' OR failure_mode = {{mode:String}})
    AND ({{kind:String}} = '' OR kind = {{kind:String}})
    AND (empty({{severities:Array(String)}}) OR severity IN {{severities:Array(String)}})
    AND ({{agent:String}} = '' OR agent_id = {{agent:String}})
    AND ({{session:String}} = '' OR session_id = {{session:String}})
    AND ({{origin:String}} = '' OR origin = {{origin:String}})
    AND ({{status:String}} = '' OR status = {{status:String}})
ORDER BY stored_at DESC, detected_at DESC, finding_id
LIMIT {{limit:UInt32}}
{_ONE_PARTITION}
"""  # noqa: S608 - put together from constants

DEAD_LETTER_PLACES: Final = """
SELECT source_topic, source_partition, source_offset, source_line, reason, detail, received_at, status, revision
FROM dead_letters FINAL
WHERE received_at >= fromUnixTimestamp64Micro({since:Int64}, 'UTC')
    AND received_at < fromUnixTimestamp64Micro({until:Int64}, 'UTC')
    AND ({reason:String} = '' OR reason = {reason:String})
    AND ({status:String} = '' OR status = {status:String})
ORDER BY received_at DESC, source_topic, source_partition, source_offset DESC, source_line DESC
LIMIT {limit:UInt32}
"""

DEAD_LETTER_COUNTS: Final = """
SELECT reason, countIf(status = 'open') AS open, countIf(status = 'redriven') AS redriven, max(received_at) AS latest
FROM dead_letters FINAL
WHERE received_at >= fromUnixTimestamp64Micro({since:Int64}, 'UTC')
    AND received_at < fromUnixTimestamp64Micro({until:Int64}, 'UTC')
    AND ({reason:String} = '' OR reason = {reason:String})
    AND ({status:String} = '' OR status = {status:String})
GROUP BY reason
ORDER BY open DESC, reason
"""

# By primary key.
DEAD_LETTERS: Final = """
SELECT
    source_topic, source_partition, source_offset, source_line, revision, reason, detail, key_base64, raw_base64,
    received_at, status
FROM dead_letters FINAL
WHERE (source_topic, source_partition, source_offset, source_line)
    IN {places:Array(Tuple(String, UInt16, UInt64, Int32))}
ORDER BY source_topic, source_partition, source_offset, source_line, received_at
"""

# A session also obeys what addresses a session above it.
OPEN_SESSIONS: Final = """
SELECT count() AS sessions
FROM sessions FINAL
WHERE tenant_id = {tenant:String} AND status = 'open'
    AND (
        {kind:String} = 'tenant'
        OR ({kind:String} = 'agent' AND agent_id = {target:String})
        OR ({kind:String} = 'session' AND {target:String} IN (session_id, parent_session_id, root_session_id))
    )
"""
