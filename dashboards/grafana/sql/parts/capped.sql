-- Sessions that crossed a cap, each as its `key`, with the caps. Reaching the wall clock crosses it; of the others more
-- is too much.
(
    SELECT {{key}} AS key, groupUniqArray(cap) AS caps
    FROM (
        SELECT
            tenant_id,
            assumeNotNull(session_id) AS session_id,
            JSONExtractString(evidence, 'cap') AS cap,
            JSONExtractFloat(evidence, 'used') AS used,
            JSONExtractFloat(evidence, 'limit') AS allowed
        FROM findings
        WHERE failure_mode = 'cost_runaway' AND kind = 'cap_use' AND session_id IS NOT NULL
            AND first_event_at >= $__fromTime AND first_event_at <= $__toTime + INTERVAL 1 DAY
    )
    WHERE used > allowed OR (cap = 'wall_clock_seconds' AND used >= allowed)
    GROUP BY key
)
