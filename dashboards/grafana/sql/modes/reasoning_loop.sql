SELECT
    arrayStringConcat(JSONExtract(told, 'cycle', 'Array(String)'), ' → ') AS cycle,
    JSONExtractString(told, 'match') AS match,
    max(JSONExtractUInt(told, 'rounds')) AS most_rounds,
    sum(JSONExtractUInt(told, 'calls')) AS calls,
    sum(JSONExtractUInt(told, 'tokens')) AS tokens,
    sum(JSONExtractFloat(told, 'cost_usd')) AS spend,
    {{example}}
FROM {{evidence:'reasoning_loop'}}
GROUP BY cycle, match
ORDER BY findings DESC, latest DESC, cycle, match
LIMIT 50
