SELECT
    tool_name AS tool,
    countIf(type = 'tool_call') AS calls,
    countIf(type = 'tool_result' AND JSONExtractString(data, 'status') IN ('error', 'timeout')) AS errors,
    sumIf(JSONExtractUInt(data, 'duration_us'), type = 'tool_result') / 1e6 AS took
FROM {{told:type, tool_name, data}}
WHERE tool_name != ''
GROUP BY tool
ORDER BY calls DESC, tool
LIMIT 100
