-- The session as it is now.
(
    SELECT * EXCEPT (state)
    FROM sessions
    WHERE {{this}}
    ORDER BY last_event_at DESC, version DESC
    LIMIT 1 BY tenant_id, session_id
)
