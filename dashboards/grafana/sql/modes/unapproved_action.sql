SELECT
    JSONExtractString(told, 'tool_name') AS tool,
    JSONExtractString(told, 'reason') AS reason,
    countIf(JSONExtractString(told, 'outcome') = 'ok') AS took_effect,
    max(JSONExtractFloat(told, 'above')) AS threshold,
    {{example}}
FROM {{evidence:'unapproved_action'}}
GROUP BY tool, reason
ORDER BY findings DESC, latest DESC, tool, reason
LIMIT 50
