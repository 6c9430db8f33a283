SELECT
    arrayStringConcat(JSONExtract(told, 'cycle', 'Array(String)'), ' → ') AS cycle,
    count() AS loops,
    uniqExact(tenant_id, session_id) AS sessions,
    sum(JSONExtractUInt(told, 'calls')) AS calls,
    sum(JSONExtractUInt(told, 'tokens')) AS tokens,
    sum(JSONExtractFloat(told, 'seconds')) AS lasted,
    sum(JSONExtractFloat(told, 'cost_usd')) AS spend
FROM {{evidence:'reasoning_loop'}}
WHERE kind = 'loop'
GROUP BY cycle
ORDER BY spend DESC, calls DESC, cycle
LIMIT 50
