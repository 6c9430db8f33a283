SELECT
    if(intent = '', '(none)', intent) AS about,
    count() AS sessions,
    if(countIf(status != 'open') = 0, NULL, countIf(status = 'completed') / countIf(status != 'open')) AS completed,
    countIf(findings > 0) / count() AS with_findings,
    countIf({{key}} IN (SELECT key FROM {{capped}})) / count() AS capped,
    if(countIf(unpriced = 0) = 0, NULL, quantilesExactInclusiveIf(0.5, 0.95)(cost_usd, unpriced = 0)[1]) AS cost_p50,
    if(countIf(unpriced = 0) = 0, NULL, quantilesExactInclusiveIf(0.5, 0.95)(cost_usd, unpriced = 0)[2]) AS cost_p95,
    quantileExactInclusive(0.5)(tool_calls) AS calls_p50
FROM {{sessions}}
GROUP BY intent
ORDER BY sessions DESC, about
LIMIT 50
