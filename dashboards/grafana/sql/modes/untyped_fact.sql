SELECT
    kind,
    JSONExtractString(told, 'fact') AS fact,
    if(kind = 'normalized_fact', JSONExtractString(told, 'rule'), JSONExtractString(told, 'fault')) AS fault,
    JSONExtractString(told, 'name') AS at_step,
    sum(JSONExtractUInt(told, 'count')) AS times,
    argMax(JSONExtractString(told, 'expected'), at) AS expected,
    argMax(JSONExtractString(told, 'got'), at) AS got,
    {{example}}
FROM {{evidence:'untyped_fact'}}
GROUP BY kind, fact, fault, at_step
ORDER BY findings DESC, latest DESC, kind, fact, fault, at_step
LIMIT 50
