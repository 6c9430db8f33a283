SELECT
    JSONExtractString(told, 'pattern') AS pattern,
    JSONExtractString(told, 'resource') AS resource,
    sum(JSONExtractUInt(told, 'conflicts')) AS conflicts,
    {{example}}
FROM {{evidence:'conflicting_write'}}
GROUP BY pattern, resource
ORDER BY findings DESC, latest DESC, pattern, resource
LIMIT 50
