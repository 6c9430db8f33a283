-- Sessions that began in the range, each as it is now. By a copy that is ordered by when a session was first heard of,
-- which never changes: within a day of its start.
(
    SELECT
        tenant_id,
        session_id,
        agent_id,
        agent_version,
        origin,
        intent,
        model,
        started_at AS at,
        last_event_at AS last_at,
        status,
        tool_calls,
        tokens,
        toFloat64(cost_usd) AS cost_usd,
        unpriced_requests AS unpriced,
        findings,
        worst_severity AS worst
    FROM sessions_by_time FINAL
    WHERE opened_at >= $__fromTime - INTERVAL 1 DAY AND opened_at <= $__toTime + INTERVAL 1 DAY
        AND $__timeFilter(started_at) AND {{whose}} AND {{intent}}
)
