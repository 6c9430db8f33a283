-- Hours, made whole of their minutes: what people look at over weeks reads a sixtieth. As with minutes, a group that is
-- no longer there is replaced by zeros, and the latest version of a key holds.
CREATE TABLE IF NOT EXISTS activity_hours $on_cluster
(
    tenant_id LowCardinality(String),
    hour DateTime64(0, 'UTC') CODEC(Delta, ZSTD(1)),
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
PARTITION BY toYYYYMM(hour)
ORDER BY (tenant_id, hour, origin, environment, agent_id, agent_version, model, tool_name);

CREATE TABLE IF NOT EXISTS finding_hours $on_cluster
(
    tenant_id LowCardinality(String),
    hour DateTime64(0, 'UTC') CODEC(Delta, ZSTD(1)),
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
PARTITION BY toYYYYMM(hour)
ORDER BY (tenant_id, hour, origin, environment, agent_id, agent_version, failure_mode, severity, rule_stage);
