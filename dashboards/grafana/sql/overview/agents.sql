SELECT
    agent_id AS agent,
    sum(sessions_started) AS sessions,
    sum(sessions_failed) AS failed,
    sum(sessions_stopped) AS stopped,
    sum(tool_calls) AS calls,
    toFloat64(sum(cost_usd)) AS spend,
    if(sum(sessions_started) = 0, NULL, toFloat64(sum(cost_usd)) / sum(sessions_started)) AS spend_a_session,
    sum(unpriced) AS unpriced
FROM {{activity}}
GROUP BY agent_id
HAVING sum(events) > 0
ORDER BY spend DESC, agent
LIMIT 100
