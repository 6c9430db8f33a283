SELECT tenant_id AS tenant, agent_id AS agent, failure_mode AS mode, toFloat64(count()) AS value
FROM {{open_findings:detected_at}}
WHERE failure_mode IN ('quality_drift', 'input_drift', 'version_drift')
GROUP BY tenant, agent, mode
ORDER BY tenant, agent, mode
LIMIT 200
