SELECT
    kind,
    JSONExtractString(told, 'tool_name') AS called,
    argMax(JSONExtractString(told, 'nearest', 1), at) AS nearest,
    countIf(JSONExtractString(told, 'follow_up') = 'corrected')
        / nullIf(countIf(JSONExtractString(told, 'follow_up') != ''), 0) AS corrected,
    {{example}}
FROM {{evidence:'hallucinated_tool'}}
GROUP BY kind, called
ORDER BY findings DESC, latest DESC, kind, called
LIMIT 50
