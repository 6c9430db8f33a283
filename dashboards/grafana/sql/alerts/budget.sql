-- Bands below the whole budget, and forecasts, are of lower severity.
SELECT tenant_id AS tenant, agent_id AS agent, toFloat64(count()) AS value
FROM {{open_findings:detected_at}}
WHERE rule_id = 'budget_spend' AND severity IN ('high', 'critical')
GROUP BY tenant, agent
ORDER BY tenant, agent
LIMIT 200
