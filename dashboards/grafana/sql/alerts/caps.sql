-- The rule `capped_share` counts an agent's sessions and those that hit a cap: it is open while the share is too large.
SELECT tenant_id AS tenant, agent_id AS agent, toFloat64(count()) AS value
FROM {{open_findings:detected_at}}
WHERE rule_id = 'capped_share'
GROUP BY tenant, agent
ORDER BY tenant, agent
LIMIT 200
