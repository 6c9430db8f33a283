-- Each agent's sessions beside its own median: of the priced ones, so that a median is one. The medians are made apart:
-- in a window all sessions would be sorted with all their columns.
SELECT
    at AS began,
    session_id AS session,
    agent_id AS agent,
    agent_version AS version,
    intent AS about,
    status,
    cost_usd AS spend,
    usual,
    if(usual = 0, NULL, spend / usual) AS times_usual,
    tool_calls AS calls,
    tokens,
    worst AS severity,
    {{session_links}}
FROM (
    SELECT * FROM {{sessions}} WHERE unpriced = 0 ORDER BY cost_usd DESC, session_id LIMIT 50
) AS dear
INNER JOIN (
    SELECT tenant_id, agent_id, quantileExactInclusive(0.5)(cost_usd) AS usual
    FROM {{sessions}}
    WHERE unpriced = 0
    GROUP BY tenant_id, agent_id
) AS own USING (tenant_id, agent_id)
ORDER BY spend DESC, session
LIMIT 50
