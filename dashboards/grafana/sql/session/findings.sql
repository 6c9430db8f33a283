SELECT
    last_event_at AS at,
    severity,
    failure_mode AS mode,
    summary,
    status,
    rule_id AS rule,
    finding_id AS finding,
    {{runbook_panel}} AS runbook_panel
FROM {{of_session}}
ORDER BY first_event_at, at, finding
LIMIT 500
