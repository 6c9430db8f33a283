-- The latest hundred findings whose failure began in the range, each as last revised, without its evidence. Which they
-- are is asked first, of narrow columns; the rest of them is then read by key.
(
    SELECT
        tenant_id,
        finding_id,
        latest.1 AS at,
        latest.2 AS last_at,
        latest.3 AS status,
        latest.4 AS severity,
        latest.5 AS failure_mode,
        latest.6 AS kind,
        latest.7 AS agent_id,
        latest.8 AS session_id,
        latest.9 AS summary
    FROM (
        SELECT
            tenant_id,
            finding_id,
            argMax((
                first_event_at, last_event_at, status, severity, failure_mode, kind, agent_id,
                ifNull(session_id, ''), summary
            ), revision) AS latest
        FROM findings
        WHERE (tenant_id, finding_id) IN (
                SELECT tenant_id, finding_id
                FROM findings
                WHERE $__timeFilter(first_event_at) AND {{whose}}
                GROUP BY tenant_id, finding_id
                ORDER BY argMax(last_event_at, revision) DESC, finding_id
                LIMIT 100
            )
            AND $__timeFilter(first_event_at) AND {{whose}}
        GROUP BY tenant_id, finding_id
    )
)
