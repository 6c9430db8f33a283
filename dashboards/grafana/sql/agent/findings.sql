SELECT {{time}} AS time, failure_mode AS name, sum(findings) AS findings
FROM {{found}}
GROUP BY time, name
HAVING findings > 0
ORDER BY time, name
