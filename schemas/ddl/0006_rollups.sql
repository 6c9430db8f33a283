-- Minutes, recomputed from deduplicated rows and replaced whole: no sum stands on rows that may be written twice.
-- A group that is no longer there is replaced by zeros, so that reading needs FINAL, or the latest version, and no more.
CREATE TABLE IF NOT EXISTS activity_minutes $on_cluster
(
    tenant_id LowCardinality(String),
    minute DateTime64(0, 'UTC') CODEC(Delta, ZSTD(1)),
    origin LowCardinality(String),
    environment LowCardinality(String),
    agent_id LowCardinality(String),
    agent_version LowCardinality(String),
    model LowCardinality(String),
    tool_name LowCardinality(String),
    events UInt64,
    sessions_started UInt64,
    sessions_completed UInt64,
    sessions_failed UInt64,
    sessions_stopped UInt64,
    tool_calls UInt64,
    tool_results UInt64,
    tool_errors UInt64,
    responses UInt64,
    response_errors UInt64,
    abstained UInt64,
    input_tokens UInt64,
    cached_input_tokens UInt64,
    output_tokens UInt64,
    cost_usd Decimal(38, 9),
    priced UInt64,
    unpriced UInt64,
    timed UInt64,
    duration_us AggregateFunction(quantileDD(0.01), Float64),
    computed_at DateTime64(6, 'UTC')
)
ENGINE = ${replacing}(computed_at)
PARTITION BY toYYYYMM(minute)
ORDER BY (tenant_id, minute, origin, environment, agent_id, agent_version, model, tool_name);

CREATE TABLE IF NOT EXISTS finding_minutes $on_cluster
(
    tenant_id LowCardinality(String),
    minute DateTime64(0, 'UTC') CODEC(Delta, ZSTD(1)),
    origin LowCardinality(String),
    environment LowCardinality(String),
    agent_id LowCardinality(String),
    agent_version LowCardinality(String),
    failure_mode LowCardinality(String),
    severity LowCardinality(String),
    rule_stage LowCardinality(String),
    findings UInt64,
    resolved UInt64,
    computed_at DateTime64(6, 'UTC')
)
ENGINE = ${replacing}(computed_at)
PARTITION BY toYYYYMM(minute)
ORDER BY (tenant_id, minute, origin, environment, agent_id, agent_version, failure_mode, severity, rule_stage);

-- How far the job has come: everything stored before that time (less the margin for inserts in flight) is in the minutes.
CREATE TABLE IF NOT EXISTS rollup_passes $on_cluster
(
    source LowCardinality(String),
    stored_until DateTime64(3, 'UTC'),
    finished_at DateTime64(3, 'UTC') DEFAULT now64(3)
)
ENGINE = ${replacing}(stored_until)
ORDER BY source;

-- What was stored lately is found without reading everything, and so are the rows of a minute.
ALTER TABLE events $on_cluster ADD INDEX IF NOT EXISTS by_stored stored_at TYPE minmax GRANULARITY 1;
ALTER TABLE events $on_cluster ADD INDEX IF NOT EXISTS by_time occurred_at TYPE minmax GRANULARITY 1;
ALTER TABLE findings $on_cluster ADD INDEX IF NOT EXISTS by_stored stored_at TYPE minmax GRANULARITY 1;
