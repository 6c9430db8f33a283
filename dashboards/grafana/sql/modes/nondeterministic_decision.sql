SELECT
    JSONExtractString(told, 'decision') AS decision,
    max(JSONLength(told, 'outcomes')) AS outcomes,
    argMax(summary, at) AS summary,
    {{example}}
FROM {{evidence:'nondeterministic_decision'}}
GROUP BY decision
ORDER BY findings DESC, latest DESC, decision
LIMIT 50
