SELECT
    kind,
    if(kind = 'workflow_accuracy', JSONExtractString(told, 'workflow'), JSONExtractString(told, 'step')) AS step,
    JSONExtractString(told, 'value') AS value,
    JSONExtractString(told, 'source') AS source,
    max(JSONExtractFloat(told, 'apart')) AS farthest,
    argMax(JSONExtractFloat(told, 'compounded'), at) AS compounded,
    {{example}}
FROM {{evidence:'context_drift'}}
GROUP BY kind, step, value, source
ORDER BY findings DESC, latest DESC, kind, step, value, source
LIMIT 50
