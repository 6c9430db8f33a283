SELECT
    {{time}} AS time,
    sumIf(findings, severity = 'critical') AS critical,
    sumIf(findings, severity = 'high') AS high,
    sumIf(findings, severity = 'medium') AS medium,
    sumIf(findings, severity = 'low') AS low
FROM {{found}}
GROUP BY time
ORDER BY time
