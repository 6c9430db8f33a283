SELECT
    kind,
    JSONExtractString(told, 'tool_name') AS tool,
    if(kind = 'refused_action', JSONExtractString(told, 'refusal'), JSONExtractString(told, 'deed')) AS told_by,
    sum(JSONExtractUInt(told, 'calls')) AS calls,
    max(JSONExtractUInt(told, 'used')) AS most_calls,
    {{example}}
FROM {{evidence:'scope_creep'}}
GROUP BY kind, tool, told_by
ORDER BY findings DESC, latest DESC, kind, tool, told_by
LIMIT 50
