SELECT issued_at AS at, action, target_kind AS target, reason, issued_by, finding_id AS finding
FROM control_commands FINAL
WHERE {{during:issued_at}}
    AND (
        (target_kind = 'session' AND (tenant_id, target_id) IN (
            SELECT tenant_id, arrayJoin([session_id, parent_session_id, root_session_id]) FROM sessions WHERE {{this}}
        ))
        OR (target_kind = 'agent' AND (tenant_id, target_id) IN (
            SELECT tenant_id, agent_id FROM sessions WHERE {{this}}
        ))
        OR (target_kind = 'tenant' AND tenant_id IN (SELECT tenant_id FROM sessions WHERE {{this}}))
    )
ORDER BY at, command_id
LIMIT 100
