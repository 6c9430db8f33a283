"""The statements by which `watchkeeper policy infer` looks at what an agent did; see `watchkeeper.cli.queries`.

A session that moved to another partition has a row in each: its latest one counts.
"""

from __future__ import annotations

from typing import Final

# Sessions that are over, one row each.
_SESSIONS: Final = """
SELECT
    tenant_id,
    session_id,
    argMax(sessions.user_id, (last_event_at, version)) AS user,
    argMax(sessions.status, (last_event_at, version)) AS ended,
    argMax(sessions.worst_severity, (last_event_at, version)) AS worst,
    argMax(sessions.tool_calls, (last_event_at, version)) AS calls,
    argMax(sessions.tokens, (last_event_at, version)) AS used,
    argMax(sessions.cost_usd, (last_event_at, version)) AS cost,
    argMax(sessions.unpriced_requests, (last_event_at, version)) AS unpriced,
    argMax(sessions.started_at, (last_event_at, version)) AS begun,
    max(last_event_at) AS last
FROM sessions
WHERE agent_id = {agent:String}
    AND origin = {origin:String}
    AND ({tenant:String} = '' OR tenant_id = {tenant:String})
    AND started_at >= fromUnixTimestamp64Micro({since:Int64}, 'UTC')
    AND started_at < fromUnixTimestamp64Micro({until:Int64}, 'UTC')
GROUP BY tenant_id, session_id
HAVING ended != 'open'
"""

# What a policy is learnt from: sessions in which nothing bad was found.
_SOUND: Final = f"SELECT * FROM ({_SESSIONS}) WHERE worst NOT IN ('high', 'critical')"  # noqa: S608 - constants

COUNTS: Final = f"""
SELECT
    count() AS sessions,
    countIf(worst IN ('high', 'critical')) AS accused,
    countIf(unpriced > 0) AS with_unpriced,
    uniqExact(user) AS users
FROM ({_SESSIONS})
"""  # noqa: S608 - put together from constants

# Money is learnt from sessions of which every request has a price.
CAPS: Final = f"""
SELECT
    quantilesExactInclusive(0.5, 0.95, 0.99)(calls) AS tool_calls,
    max(calls) AS tool_calls_max,
    quantilesExactInclusive(0.5, 0.95, 0.99)(used) AS tokens,
    max(used) AS tokens_max,
    quantilesExactInclusive(0.5, 0.95, 0.99)(dateDiff('microsecond', begun, last) / 1e6) AS wall_clock_seconds,
    max(dateDiff('microsecond', begun, last) / 1e6) AS wall_clock_seconds_max,
    quantilesExactInclusiveIf(0.5, 0.95, 0.99)(toFloat64(cost), unpriced = 0) AS cost_usd,
    maxIf(toFloat64(cost), unpriced = 0) AS cost_usd_max,
    countIf(unpriced = 0 AND cost > 0) AS priced
FROM ({_SOUND})
"""  # noqa: S608 - put together from constants

# A session's money counts in the hour and day in which it began.
SPEND: Final = f"""
SELECT
    (
        SELECT quantilesExactInclusive(0.5, 0.95, 0.99)(spent)
        FROM (SELECT sum(toFloat64(cost)) AS spent FROM ({_SOUND}) GROUP BY toStartOfHour(begun))
    ) AS hour,
    (
        SELECT quantilesExactInclusive(0.5, 0.95, 0.99)(spent)
        FROM (SELECT sum(toFloat64(cost)) AS spent FROM ({_SOUND}) GROUP BY toStartOfDay(begun))
    ) AS day,
    (
        SELECT quantilesExactInclusive(0.5, 0.95, 0.99)(spent)
        FROM (
            SELECT sum(toFloat64(cost)) AS spent FROM ({_SOUND}) WHERE user != '' GROUP BY user, toStartOfDay(begun)
        )
    ) AS user_day
"""  # noqa: S608 - put together from constants

_EVENTS: Final = f"""
FROM events FINAL
WHERE type = {{type:String}}
    AND agent_id = {{agent:String}}
    AND origin = {{origin:String}}
    AND occurred_at >= fromUnixTimestamp64Micro({{since:Int64}}, 'UTC')
    AND ({{tenant:String}} = '' OR tenant_id = {{tenant:String}})
    AND (tenant_id, session_id) IN (SELECT tenant_id, session_id FROM ({_SOUND}))
"""  # noqa: S608 - put together from constants

CALLS: Final = f"""
SELECT
    tool,
    sum(of_session) AS calls,
    count() AS sessions,
    quantilesExactInclusive(0.5, 0.95, 0.99)(of_session) AS a_session
FROM (
    SELECT tool_name AS tool, tenant_id, session_id, count() AS of_session
    {_EVENTS}
    GROUP BY tool, tenant_id, session_id
)
GROUP BY tool
ORDER BY tool
"""  # noqa: S608 - put together from constants

CALLS_AN_HOUR: Final = f"""
SELECT tool, quantilesExactInclusive(0.5, 0.95, 0.99)(of_hour) AS an_hour
FROM (
    SELECT tool_name AS tool, toStartOfHour(occurred_at) AS hour, count() AS of_hour
    {_EVENTS}
    GROUP BY tool, hour
)
GROUP BY tool
"""  # noqa: S608 - put together from constants

RESULTS: Final = f"""
SELECT
    tool_name AS tool,
    count() AS results,
    countIf(JSONExtractString(data, 'status') IN ('error', 'timeout')) AS failed,
    countIf(JSONHas(data, 'duration_us') AND JSONExtractUInt(data, 'duration_us') > 0) AS timed,
    quantilesExactInclusiveIf(0.5, 0.95, 0.99)(
        JSONExtractUInt(data, 'duration_us') / 1e6, JSONExtractUInt(data, 'duration_us') > 0
    ) AS seconds
{_EVENTS}
GROUP BY tool
"""

# The tools that the newest session registered.
REGISTERED: Final = f"""
SELECT tenant_id, JSONExtractString(data, 'tools', 'address') AS address
{_EVENTS}
    AND address != ''
ORDER BY occurred_at DESC, session_id
LIMIT 1
"""

NEAREST_AGENTS: Final = """
SELECT agent_id, count() AS sessions
FROM sessions FINAL
WHERE started_at >= fromUnixTimestamp64Micro({since:Int64}, 'UTC')
    AND ({tenant:String} = '' OR tenant_id = {tenant:String})
GROUP BY agent_id
ORDER BY editDistance(agent_id, {agent:String}), agent_id
LIMIT 3
"""
