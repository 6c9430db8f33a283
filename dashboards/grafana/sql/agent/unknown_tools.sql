SELECT
    JSONExtractString(told, 'tool_name') AS called,
    count() AS findings,
    uniqExact(tenant_id, session_id) AS sessions,
    argMax(JSONExtractString(told, 'nearest', 1), at) AS nearest,
    countIf(JSONExtractString(told, 'follow_up') = 'corrected')
        / nullIf(countIf(JSONExtractString(told, 'follow_up') != ''), 0) AS corrected,
    countIf(JSONExtractString(told, 'follow_up') = 'repeated')
        / nullIf(countIf(JSONExtractString(told, 'follow_up') != ''), 0) AS repeated
FROM {{evidence:'hallucinated_tool'}}
WHERE kind = 'unknown_tool'
GROUP BY called
ORDER BY findings DESC, called
LIMIT 50
