SELECT
    failure_mode,
    sumIf(findings, severity = 'critical') AS critical,
    sumIf(findings, severity = 'high') AS high,
    sumIf(findings, severity = 'medium') AS medium,
    sumIf(findings, severity = 'low') AS low,
    sumIf(findings, severity = 'info') AS info
FROM {{found}}
GROUP BY failure_mode
HAVING sum(findings) > 0
ORDER BY sum(findings) DESC, failure_mode
