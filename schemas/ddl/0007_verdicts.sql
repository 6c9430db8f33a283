-- What people said of findings. Nothing is replaced: the latest verdict on a finding holds, the others are its history.
CREATE TABLE IF NOT EXISTS verdicts $on_cluster
(
    tenant_id LowCardinality(String),
    finding_id String,
    verdict_id String,
    verdict LowCardinality(String),
    reason String,
    given_by LowCardinality(String),
    given_at DateTime64(6, 'UTC'),
    muted_until Nullable(DateTime64(6, 'UTC')),
    revision UInt32,
    failure_mode LowCardinality(String),
    kind LowCardinality(String),
    rule_id LowCardinality(String),
    rule_version UInt32,
    agent_id LowCardinality(String),
    about String,
    stored_at DateTime64(3, 'UTC') DEFAULT now64(3)
)
ENGINE = ${replacing}(stored_at)
ORDER BY (tenant_id, finding_id, verdict_id)
TTL toDateTime(stored_at) + INTERVAL 7 YEAR;
