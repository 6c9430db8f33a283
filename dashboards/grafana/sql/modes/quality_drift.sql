SELECT
    kind,
    if(kind = 'fell_suite', JSONExtractString(told, 'suite'), JSONExtractString(told, 'stream')) AS stream,
    argMax(JSONExtractFloat(told, 'before'), at) AS before,
    argMax(JSONExtractFloat(told, 'after'), at) AS after,
    argMax(JSONExtractFloat(told, 'change_low'), at) AS change_low,
    argMax(JSONExtractFloat(told, 'change_high'), at) AS change_high,
    {{example}}
FROM {{evidence:'quality_drift'}}
GROUP BY kind, stream
ORDER BY findings DESC, latest DESC, kind, stream
LIMIT 50
