SELECT
    failure_mode AS mode,
    sumIf(findings, severity = 'critical') AS critical,
    sumIf(findings, severity = 'high') AS high,
    sumIf(findings, severity = 'medium') AS medium,
    sumIf(findings, severity IN ('low', 'info')) AS low,
    sum(findings) AS total,
    sum(resolved) AS taken_back,
    {{runbook_panel}} AS runbook_panel
FROM {{found}}
GROUP BY failure_mode
HAVING total > 0
ORDER BY total DESC, mode
