-- Sessions in which a mode was found and stands, each as its `key`. What begins in the range may be found some hours
-- after its end.
(
    SELECT {{key}}
    FROM (
        SELECT tenant_id, assumeNotNull(any(findings.session_id)) AS session_id, argMax(status, revision) AS last
        FROM findings
        WHERE failure_mode IN ({{names}}) AND findings.session_id IS NOT NULL
            AND first_event_at >= $__fromTime AND first_event_at <= $__toTime + INTERVAL 1 DAY
        GROUP BY tenant_id, finding_id
    )
    WHERE last = 'open'
)
