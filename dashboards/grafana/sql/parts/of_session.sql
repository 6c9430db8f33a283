-- Findings of the session, each as last revised.
(
    SELECT *
    FROM findings
    WHERE {{this}} AND {{during:first_event_at}}
    ORDER BY revision DESC
    LIMIT 1 BY tenant_id, finding_id
)
