-- Findings of some modes whose failure began in the range, each as last revised, with its evidence as JSON.
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
        latest.9 AS summary,
        latest.10 AS told
    FROM (
        SELECT
            tenant_id,
            finding_id,
            argMax((
                first_event_at, last_event_at, status, severity, failure_mode, kind, agent_id,
                ifNull(session_id, ''), summary, evidence
            ), revision) AS latest
        FROM findings
        WHERE failure_mode IN ({{names}}) AND $__timeFilter(first_event_at) AND {{whose}}
        GROUP BY tenant_id, finding_id
    )
)
