-- All that people are shown of a session stands in the copy by time as well: lists over a range of time read nothing else.
ALTER TABLE sessions_by_time $on_cluster ADD COLUMN IF NOT EXISTS user_id String AFTER origin;
ALTER TABLE sessions_by_time $on_cluster ADD COLUMN IF NOT EXISTS customer_id String AFTER user_id;
ALTER TABLE sessions_by_time $on_cluster ADD COLUMN IF NOT EXISTS policy_address String AFTER worst_severity;

-- What went on since some moment, however long ago it was opened. It grows with each version of a row, so the granule
-- with the latest version is never left out.
ALTER TABLE sessions_by_time $on_cluster ADD INDEX IF NOT EXISTS by_last last_event_at TYPE minmax GRANULARITY 1;

ALTER TABLE sessions_to_time $on_cluster MODIFY QUERY
SELECT
    tenant_id, opened_at, session_id, source_partition, version, root_session_id, parent_session_id, agent_id,
    agent_version, environment, origin, user_id, customer_id, workflow, intent, model, started_at, last_event_at, status,
    events, tool_calls, tokens, input_tokens, output_tokens, cost_usd, unpriced_requests, findings, worst_severity,
    policy_address, retention_class, stored_at
FROM sessions;

-- Of rows of one version the one that was written last stays: what was there before is written once more, whole.
INSERT INTO sessions_by_time (
    tenant_id, opened_at, session_id, source_partition, version, root_session_id, parent_session_id, agent_id,
    agent_version, environment, origin, user_id, customer_id, workflow, intent, model, started_at, last_event_at, status,
    events, tool_calls, tokens, input_tokens, output_tokens, cost_usd, unpriced_requests, findings, worst_severity,
    policy_address, retention_class, stored_at
)
SELECT
    tenant_id, opened_at, session_id, source_partition, version, root_session_id, parent_session_id, agent_id,
    agent_version, environment, origin, user_id, customer_id, workflow, intent, model, started_at, last_event_at, status,
    events, tool_calls, tokens, input_tokens, output_tokens, cost_usd, unpriced_requests, findings, worst_severity,
    policy_address, retention_class, stored_at
FROM sessions;
