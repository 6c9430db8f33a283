SELECT
    kind,
    if(
        kind = 'proxy_divergence',
        concat(JSONExtractString(told, 'proxy', 'name'), ' against ', JSONExtractString(told, 'outcome', 'name')),
        JSONExtractString(told, 'constraint')
    ) AS rule,
    JSONExtractString(told, 'reason') AS reason,
    max(JSONExtractUInt(told, 'above')) AS most_above,
    argMax(JSONExtractFloat(told, 'outcome', 'effect'), at) AS outcome_effect,
    {{example}}
FROM {{evidence:'goal_misgeneralization'}}
GROUP BY kind, rule, reason
ORDER BY findings DESC, latest DESC, kind, rule, reason
LIMIT 50
