SELECT
    kind,
    severity,
    argMax(summary, at) AS summary,
    {{example}}
FROM {{evidence:'unsafe_rule_change'}}
GROUP BY kind, severity
ORDER BY findings DESC, latest DESC, kind, severity
LIMIT 50
