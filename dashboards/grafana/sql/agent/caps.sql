SELECT
    cap,
    uniqExact(tenant_id, session_id) AS sessions,
    quantileExactInclusive(0.5)(used / allowed) AS median_use,
    max(used / allowed) AS worst_use,
    argMax(agent_id, used / allowed) AS agent,
    argMax(session_id, used / allowed) AS session,
    argMax(tenant_id, used / allowed) AS tenant,
    toString(toUnixTimestamp64Milli(argMax(at, used / allowed)) - 3600000) AS from_ms,
    toString(toUnixTimestamp64Milli(argMax(last_at, used / allowed)) + 3600000) AS to_ms
FROM (
    SELECT
        *,
        JSONExtractString(told, 'cap') AS cap,
        JSONExtractFloat(told, 'used') AS used,
        JSONExtractFloat(told, 'limit') AS allowed
    FROM {{evidence:'cost_runaway'}}
    WHERE kind = 'cap_use'
)
WHERE used > allowed OR (cap = 'wall_clock_seconds' AND used >= allowed)
GROUP BY cap
ORDER BY sessions DESC, cap
