SELECT
    agent_id AS agent,
    agent_version AS version,
    intent,
    model,
    status,
    started_at AS began,
    last_event_at AS ended,
    events,
    input_tokens,
    output_tokens,
    unpriced_requests AS unpriced,
    worst_severity AS severity,
    environment,
    origin,
    parent_session_id AS parent,
    root_session_id AS root,
    policy_address AS policy,
    tenant_id AS tenant,
    toString(toUnixTimestamp64Milli(started_at) - 86400000) AS from_ms,
    toString(toUnixTimestamp64Milli(last_event_at) + 86400000) AS to_ms
FROM {{now}}
ORDER BY tenant
LIMIT 10
