SELECT time, one.1 AS name, one.2 AS share
FROM (
    SELECT
        {{time}} AS time,
        count() AS begun,
        countIf(notEmpty(crossed.caps)) AS any_cap,
        countIf(has(crossed.caps, 'tool_calls')) AS calls,
        countIf(has(crossed.caps, 'tokens')) AS used_tokens,
        countIf(has(crossed.caps, 'wall_clock_seconds')) AS clock,
        countIf(has(crossed.caps, 'cost_usd')) AS money
    FROM (SELECT at, {{key}} AS key FROM {{sessions}}) AS begun_sessions
    LEFT JOIN {{capped}} AS crossed USING (key)
    GROUP BY time
)
ARRAY JOIN [
    ('any cap', any_cap / begun), ('tool calls', calls / begun), ('tokens', used_tokens / begun),
    ('wall clock', clock / begun), ('cost', money / begun)
] AS one
ORDER BY time, name
