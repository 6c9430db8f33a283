-- Sessions by time: what panels over weeks read. `sessions` is ordered by key, so any range of time reads all of it.

-- When the worker first heard of a session. It never changes, whereas `started_at` does where `session_started` comes
-- late or a session is opened again: a row that is ordered by it stays where it is.
ALTER TABLE sessions $on_cluster ADD COLUMN IF NOT EXISTS opened_at DateTime64(6, 'UTC') DEFAULT started_at AFTER started_at;

-- Not by month: a batch with the times of a hundred broken clocks would be refused for ever.
CREATE TABLE IF NOT EXISTS sessions_by_time $on_cluster
(
    tenant_id LowCardinality(String),
    opened_at DateTime64(6, 'UTC') CODEC(Delta, ZSTD(1)),
    session_id String,
    source_partition UInt16,
    version UInt64,
    root_session_id String,
    parent_session_id String,
    agent_id LowCardinality(String),
    agent_version LowCardinality(String),
    environment LowCardinality(String),
    origin LowCardinality(String),
    workflow LowCardinality(String),
    intent LowCardinality(String),
    model LowCardinality(String),
    started_at DateTime64(6, 'UTC') CODEC(Delta, ZSTD(1)),
    last_event_at DateTime64(6, 'UTC') CODEC(Delta, ZSTD(1)),
    status LowCardinality(String),
    events UInt64,
    tool_calls UInt64,
    tokens UInt64,
    input_tokens UInt64,
    output_tokens UInt64,
    cost_usd Decimal(18, 9),
    unpriced_requests UInt64,
    findings UInt64,
    worst_severity LowCardinality(String),
    retention_class LowCardinality(String),
    stored_at DateTime64(3, 'UTC')
)
ENGINE = ${replacing}(version)
ORDER BY (tenant_id, opened_at, session_id, source_partition)
TTL toDateTime(stored_at) + INTERVAL 90 DAY DELETE WHERE retention_class = 'standard',
    toDateTime(stored_at) + INTERVAL 7 YEAR DELETE WHERE retention_class = 'regulated';

-- A copy of each row, and no sum: written again, it replaces itself.
CREATE MATERIALIZED VIEW IF NOT EXISTS sessions_to_time $on_cluster TO sessions_by_time AS
SELECT
    tenant_id, opened_at, session_id, source_partition, version, root_session_id, parent_session_id, agent_id,
    agent_version, environment, origin, workflow, intent, model, started_at, last_event_at, status, events, tool_calls,
    tokens, input_tokens, output_tokens, cost_usd, unpriced_requests, findings, worst_severity, retention_class, stored_at
FROM sessions;

-- What was there before. After the view, so that nothing is stored in between.
INSERT INTO sessions_by_time (
    tenant_id, opened_at, session_id, source_partition, version, root_session_id, parent_session_id, agent_id,
    agent_version, environment, origin, workflow, intent, model, started_at, last_event_at, status, events, tool_calls,
    tokens, input_tokens, output_tokens, cost_usd, unpriced_requests, findings, worst_severity, retention_class, stored_at
)
SELECT
    tenant_id, opened_at, session_id, source_partition, version, root_session_id, parent_session_id, agent_id,
    agent_version, environment, origin, workflow, intent, model, started_at, last_event_at, status, events, tool_calls,
    tokens, input_tokens, output_tokens, cost_usd, unpriced_requests, findings, worst_severity, retention_class, stored_at
FROM sessions;

-- Hours of the pipeline's own figures, made of their rows: a month of rows every 15 seconds is some ten million a panel.
CREATE TABLE IF NOT EXISTS metric_hours $on_cluster
(
    name LowCardinality(String),
    hour DateTime64(0, 'UTC') CODEC(Delta, ZSTD(1)),
    worker_id LowCardinality(String),
    series String,
    labels Map(LowCardinality(String), String),
    readings UInt64,
    gained Float64,
    last Float64,
    last_at DateTime64(3, 'UTC'),
    lowest Float64,
    highest Float64,
    computed_at DateTime64(6, 'UTC')
)
ENGINE = ${replacing}(computed_at)
PARTITION BY toYYYYMM(hour)
ORDER BY (name, hour, worker_id, series)
TTL toDateTime(computed_at) + INTERVAL 400 DAY;
