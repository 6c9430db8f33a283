SELECT
    at AS began,
    session_id AS session,
    agent_id AS agent,
    agent_version AS version,
    intent,
    status,
    worst AS severity,
    findings,
    cost_usd AS spend,
    unpriced,
    tool_calls AS calls,
    dateDiff('millisecond', at, last_at) / 1e3 AS lasted,
    {{session_links}}
FROM {{sessions}}
ORDER BY indexOf(['low', 'medium', 'high', 'critical'], worst) DESC, findings DESC, cost_usd DESC, session_id
LIMIT 100
