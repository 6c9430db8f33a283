-- How many, how many of them stand, and the latest to look at.
count() AS findings,
    countIf(status = 'open') AS open,
    max(at) AS latest,
    argMax(agent_id, at) AS agent,
    argMax(session_id, at) AS session,
    argMax(tenant_id, at) AS tenant,
    toString(toUnixTimestamp64Milli(max(at)) - 3600000) AS from_ms,
    toString(toUnixTimestamp64Milli(argMax(last_at, at)) + 3600000) AS to_ms
