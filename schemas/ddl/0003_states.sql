-- The latest state of each session: what people look at, and what a worker resumes from when it is given a partition.
CREATE TABLE IF NOT EXISTS sessions $on_cluster
(
    source_partition UInt16,
    tenant_id LowCardinality(String),
    session_id String,
    version UInt64,
    root_session_id String,
    parent_session_id String,
    agent_id LowCardinality(String),
    agent_version LowCardinality(String),
    environment LowCardinality(String),
    origin LowCardinality(String),
    user_id String,
    customer_id String,
    workflow LowCardinality(String),
    intent LowCardinality(String),
    model LowCardinality(String),
    started_at DateTime64(6, 'UTC'),
    last_event_at DateTime64(6, 'UTC'),
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
    policy_address String,
    retention_class LowCardinality(String),
    state String CODEC(ZSTD(1)),
    stored_at DateTime64(3, 'UTC') DEFAULT now64(3),
    INDEX by_session session_id TYPE bloom_filter(0.01) GRANULARITY 1
)
ENGINE = ${replacing}(version)
ORDER BY (source_partition, tenant_id, session_id)
TTL toDateTime(stored_at) + INTERVAL 90 DAY DELETE WHERE retention_class = 'standard',
    toDateTime(stored_at) + INTERVAL 7 YEAR DELETE WHERE retention_class = 'regulated';

-- The same for the subjects of stage 2.
CREATE TABLE IF NOT EXISTS subjects $on_cluster
(
    source_partition UInt16,
    subject String,
    version UInt64,
    tenant_id LowCardinality(String),
    origin LowCardinality(String),
    state String CODEC(ZSTD(1)),
    stored_at DateTime64(3, 'UTC') DEFAULT now64(3)
)
ENGINE = ${replacing}(version)
ORDER BY (source_partition, subject);
