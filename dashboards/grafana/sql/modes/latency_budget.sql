SELECT
    kind,
    JSONExtractString(told, 'rate') AS rate,
    JSONExtractString(told, 'of') AS of,
    JSONExtractString(told, 'pair') AS pair,
    max(JSONExtractFloat(told, 'burn')) AS fastest_burn,
    max(JSONExtractFloat(told, 'budget_used')) AS budget_used,
    argMax(JSONExtractFloat(told, 'duration_p95_ms'), at) AS p95,
    {{example}}
FROM {{evidence:'latency_budget'}}
GROUP BY kind, rate, of, pair
ORDER BY findings DESC, latest DESC, kind, rate, of, pair
LIMIT 50
