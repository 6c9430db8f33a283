SELECT
    JSONExtractString(told, 'what') AS what,
    JSONExtractString(told, 'via') AS via,
    JSONExtractString(told, 'tool_name') AS tool,
    sum(JSONExtractUInt(told, 'places')) AS places,
    countIf(JSONExtractBool(told, 'masked')) AS masked,
    countIf(JSONExtractBool(told, 'was_read')) AS was_read,
    {{example}}
FROM {{evidence:'data_leak'}}
GROUP BY what, via, tool
ORDER BY findings DESC, latest DESC, what, via, tool
LIMIT 50
