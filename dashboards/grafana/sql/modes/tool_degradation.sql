SELECT
    kind,
    if(kind = 'retry_cascade', JSONExtractString(told, 'of'), JSONExtractString(told, 'tool_name')) AS tool,
    JSONExtractString(told, 'what') AS what,
    argMax(JSONExtractFloat(told, 'before'), at) AS before,
    argMax(JSONExtractFloat(told, 'now'), at) AS now,
    sum(JSONExtractUInt(told, 'retries')) AS retries,
    {{example}}
FROM {{evidence:'tool_degradation'}}
GROUP BY kind, tool, what
ORDER BY findings DESC, latest DESC, kind, tool, what
LIMIT 50
