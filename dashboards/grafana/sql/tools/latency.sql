SELECT
    {{time}} AS time,
    quantileDDMerge(0.01, 0.5)(duration_us) / 1e6 AS p50,
    quantileDDMerge(0.01, 0.95)(duration_us) / 1e6 AS p95,
    quantileDDMerge(0.01, 0.99)(duration_us) / 1e6 AS p99
FROM {{activity}}
WHERE tool_name != '' AND timed > 0
GROUP BY time
ORDER BY time
