-- What graders and people said of sessions. A score graded twice has one id: the one that was graded last stays.
CREATE TABLE IF NOT EXISTS scores $on_cluster
(
    tenant_id LowCardinality(String),
    score_id String,
    schema_version UInt16,
    subject String,
    origin LowCardinality(String),
    source LowCardinality(String),
    session_id String,
    agent_id LowCardinality(String),
    agent_version LowCardinality(String),
    model LowCardinality(String),
    prompt_version LowCardinality(String),
    intent LowCardinality(String),
    environment LowCardinality(String),
    retention_class LowCardinality(String),
    suite LowCardinality(String),
    case_id String,
    run_id String,
    grader LowCardinality(String),
    target LowCardinality(String),
    result_type LowCardinality(String),
    passed Nullable(Bool),
    value Nullable(Float64),
    label LowCardinality(String),
    reason String,
    criteria String CODEC(ZSTD(1)),
    inclusion Float64,
    stratum LowCardinality(String),
    occurred_at DateTime64(6, 'UTC'),
    graded_at DateTime64(6, 'UTC'),
    cost_usd Nullable(Float64),
    stored_at DateTime64(3, 'UTC') DEFAULT now64(3),
    INDEX by_session session_id TYPE bloom_filter(0.01) GRANULARITY 4
)
ENGINE = ${replacing}(graded_at)
PARTITION BY toYYYYMM(occurred_at)
ORDER BY (tenant_id, source, agent_id, score_id)
TTL toDateTime(stored_at) + INTERVAL 7 YEAR;
