SELECT
    kind,
    JSONExtractString(told, 'reason') AS reason,
    if(
        kind = 'broken_delegation',
        concat(JSONExtractString(told, 'from_agent'), ' → ', JSONExtractString(told, 'to_agent')),
        JSONExtractString(told, 'tool_name')
    ) AS of,
    max(JSONExtractUInt(told, 'depth')) AS deepest,
    {{example}}
FROM {{evidence:'cascading_approval'}}
GROUP BY kind, reason, of
ORDER BY findings DESC, latest DESC, kind, reason, of
LIMIT 50
