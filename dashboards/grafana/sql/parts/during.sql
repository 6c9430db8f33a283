-- From the session's beginning to its end, with a day around. The tenant comes first in the key: where all are chosen,
-- the session's own is looked up.
tenant_id IN (SELECT tenant_id FROM sessions WHERE {{this}})
    AND {{name}} >= (SELECT min(started_at) FROM sessions WHERE {{this}}) - INTERVAL 1 DAY
    AND {{name}} <= (SELECT max(last_event_at) FROM sessions WHERE {{this}}) + INTERVAL 1 DAY
