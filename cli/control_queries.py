"""The statements about commands, and the sessions that they reach; see `queries`."""

from __future__ import annotations

from typing import Final

from watchkeeper.cli.queries import SESSION_COLUMNS

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

# All commands are few: people and rules give them.
COMMANDS: Final = """
SELECT
    tenant_id, command_id, target_kind, target_id, action, tool_name, reason, issued_by, finding_id, issued_at,
    expires_at
FROM control_commands FINAL
WHERE issued_at >= fromUnixTimestamp64Micro({since:Int64}, 'UTC')
ORDER BY issued_at DESC, command_id
LIMIT {limit:UInt32}
"""

COMMAND: Final = """
SELECT
    tenant_id, command_id, target_kind, target_id, action, tool_name, reason, issued_by, finding_id, issued_at,
    expires_at
FROM control_commands FINAL
WHERE command_id = {command:String}
LIMIT 1
"""

# As agents' processes understand it: a resume without a tool lifts everything of its target.
LIFTS: Final = """
SELECT tenant_id, target_kind, target_id, tool_name, issued_by, issued_at
FROM control_commands FINAL
WHERE tenant_id = {tenant:String} AND target_kind = {kind:String} AND target_id = {target:String}
    AND action = 'resume' AND issued_at >= fromUnixTimestamp64Micro({since:Int64}, 'UTC')
ORDER BY issued_at
LIMIT 100
"""

# What was open when a command was given, or was heard of since. Older rows of the copy by time may say so as well: of
# these keys alone the rows that hold are read.
SESSIONS_REACHED: Final = f"""
SELECT {SESSION_COLUMNS}
FROM sessions FINAL
WHERE (source_partition, tenant_id, session_id) IN (
        SELECT source_partition, tenant_id, session_id
        FROM sessions_by_time
        WHERE tenant_id = {{tenant:String}}
            AND (status = 'open' OR last_event_at >= fromUnixTimestamp64Micro({{since:Int64}}, 'UTC'))
            AND opened_at < fromUnixTimestamp64Micro({{until:Int64}}, 'UTC') + INTERVAL 1 DAY
    )
    AND tenant_id = {{tenant:String}}
    AND (status = 'open' OR last_event_at >= fromUnixTimestamp64Micro({{since:Int64}}, 'UTC'))
    AND started_at < fromUnixTimestamp64Micro({{until:Int64}}, 'UTC')
    AND (
        {{kind:String}} = 'tenant'
        OR ({{kind:String}} = 'agent' AND agent_id = {{target:String}})
        OR ({{kind:String}} = 'session' AND {{target:String}} IN (session_id, parent_session_id, root_session_id))
    )
ORDER BY started_at DESC, session_id
LIMIT 100
"""  # noqa: S608 - put together from constants

# A session also obeys what addresses a session above it.
OPEN_SESSIONS: Final = """
SELECT count() AS sessions
FROM sessions FINAL
WHERE (source_partition, tenant_id, session_id) IN (
        SELECT source_partition, tenant_id, session_id
        FROM sessions_by_time
        WHERE tenant_id = {tenant:String} AND status = 'open'
    )
    AND tenant_id = {tenant:String} AND status = 'open'
    AND (
        {kind:String} = 'tenant'
        OR ({kind:String} = 'agent' AND agent_id = {target:String})
        OR ({kind:String} = 'session' AND {target:String} IN (session_id, parent_session_id, root_session_id))
    )
"""
