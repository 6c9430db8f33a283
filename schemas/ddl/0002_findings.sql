-- What the detectors found. By day of the first event: a finding told twice falls into one partition.
CREATE TABLE IF NOT EXISTS findings $on_cluster
(
    tenant_id LowCardinality(String),
    finding_id String,
    revision UInt32,
    schema_version UInt16,
    status LowCardinality(String),
    session_id Nullable(String),
    root_session_id Nullable(String),
    subject Nullable(String),
    agent_id LowCardinality(String),
    agent_version LowCardinality(String),
    environment LowCardinality(String),
    origin LowCardinality(String),
    user_id String,
    customer_id String,
    failure_mode LowCardinality(String),
    kind LowCardinality(String),
    severity LowCardinality(String),
    rule_id LowCardinality(String),
    rule_version UInt32,
    rule_stage LowCardinality(String),
    summary String,
    evidence String CODEC(ZSTD(1)),
    first_event_id Nullable(String),
    last_event_id Nullable(String),
    first_event_at DateTime64(6, 'UTC'),
    last_event_at DateTime64(6, 'UTC'),
    detected_at DateTime64(6, 'UTC'),
    policy_address String,
    runbook LowCardinality(String),
    stored_at DateTime64(3, 'UTC') DEFAULT now64(3),
    INDEX by_session session_id TYPE bloom_filter(0.01) GRANULARITY 4
)
ENGINE = ${replacing}(revision)
PARTITION BY toYYYYMMDD(first_event_at)
ORDER BY (tenant_id, finding_id)
TTL toDateTime(stored_at) + INTERVAL 7 YEAR;

-- Commands to agents, whoever gave them.
CREATE TABLE IF NOT EXISTS control_commands $on_cluster
(
    tenant_id LowCardinality(String),
    command_id String,
    schema_version UInt16,
    target_kind LowCardinality(String),
    target_id String,
    action LowCardinality(String),
    tool_name String,
    reason String,
    issued_by LowCardinality(String),
    finding_id Nullable(String),
    issued_at DateTime64(6, 'UTC'),
    expires_at DateTime64(6, 'UTC'),
    signature Nullable(String),
    stored_at DateTime64(3, 'UTC') DEFAULT now64(3)
)
ENGINE = ${replacing}(stored_at)
ORDER BY (tenant_id, command_id)
TTL toDateTime(stored_at) + INTERVAL 7 YEAR;
