SELECT
    JSONExtractString(told, 'what') AS what,
    substring(JSONExtractString(told, 'before'), 1, 24) AS before,
    substring(JSONExtractString(told, 'after'), 1, 24) AS after,
    JSONExtractString(told, 'agent_version') AS version,
    max(JSONExtractUInt(told, 'sessions')) AS sessions,
    {{example}}
FROM {{evidence:'version_drift'}}
GROUP BY what, before, after, version
ORDER BY findings DESC, latest DESC, what, before, after, version
LIMIT 50
