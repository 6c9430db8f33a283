SELECT
    session_id AS session,
    parent_session_id AS parent,
    agent_id AS agent,
    status,
    started_at AS began,
    worst_severity AS severity,
    findings,
    tool_calls AS calls,
    toFloat64(cost_usd) AS spend,
    tenant_id AS tenant,
    toString(toUnixTimestamp64Milli(started_at) - 60000) AS from_ms,
    toString(toUnixTimestamp64Milli(last_event_at) + 60000) AS to_ms
FROM (
    SELECT *
    FROM sessions_by_time
    WHERE (tenant_id, root_session_id) IN (
            SELECT tenant_id, root_session_id FROM sessions WHERE {{this}} AND root_session_id != ''
        )
        AND {{during:opened_at}}
    ORDER BY last_event_at DESC, version DESC
    LIMIT 1 BY tenant_id, session_id
)
ORDER BY began, session
LIMIT 200
