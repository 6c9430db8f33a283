-- Open findings of the range, by whom and what. Recordings and rules on trial page nobody.
SELECT tenant_id AS tenant, agent_id AS agent, failure_mode AS mode, toFloat64(count()) AS value
FROM {{open_findings:detected_at}}
WHERE severity IN ('high', 'critical')
GROUP BY tenant, agent, mode
ORDER BY value DESC, tenant, agent, mode
LIMIT 200
