SELECT
    tool_name AS tool,
    sum(tool_calls) AS calls,
    sum(tool_errors) AS errors,
    if(sum(tool_results) = 0, NULL, sum(tool_errors) / sum(tool_results)) AS error_share,
    if(sum(timed) = 0, NULL, quantileDDMerge(0.01, 0.5)(duration_us) / 1e6) AS p50,
    if(sum(timed) = 0, NULL, quantileDDMerge(0.01, 0.95)(duration_us) / 1e6) AS p95
FROM {{activity}}
WHERE tool_name != ''
GROUP BY tool_name
HAVING sum(events) > 0
ORDER BY calls DESC, tool
LIMIT 100
