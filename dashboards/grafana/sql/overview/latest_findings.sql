SELECT
    last_at AS at,
    severity,
    failure_mode AS mode,
    summary,
    agent_id AS agent,
    session_id AS session,
    status,
    finding_id AS finding,
    tenant_id AS tenant,
    toString(toUnixTimestamp64Milli(latest.at) - 3600000) AS from_ms,
    toString(toUnixTimestamp64Milli(last_at) + 3600000) AS to_ms,
    {{runbook_panel}} AS runbook_panel
FROM {{latest}} AS latest
ORDER BY last_at DESC, finding
LIMIT 100
