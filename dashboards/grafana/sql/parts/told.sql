-- Events of the session, each once. Not by FINAL, which looks for other versions of a row on all days.
(
    SELECT {{names}}
    FROM events
    WHERE {{this}} AND {{during:occurred_at}}
    ORDER BY stored_at DESC
    LIMIT 1 BY tenant_id, session_id, writer_id, seq, digest
)
