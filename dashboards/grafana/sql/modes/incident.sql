SELECT
    JSONExtractString(told, 'first_cause') AS first_cause,
    arrayStringConcat(JSONExtract(told, 'modes', 'Array(String)'), ' → ') AS modes,
    max(JSONLength(told, 'sessions')) AS most_sessions,
    max(JSONLength(told, 'steps') + JSONExtractUInt(told, 'more')) AS most_findings,
    {{example}}
FROM {{evidence:'incident'}}
GROUP BY first_cause, modes
ORDER BY findings DESC, latest DESC, first_cause, modes
LIMIT 50
