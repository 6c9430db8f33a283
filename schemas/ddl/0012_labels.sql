-- What people said of sessions. Nothing is replaced: the latest label of a person holds, the others are its history.
CREATE TABLE IF NOT EXISTS labels $on_cluster
(
    tenant_id LowCardinality(String),
    label_id String,
    session_id String,
    origin LowCardinality(String),
    agent_id LowCardinality(String),
    agent_version LowCardinality(String),
    model LowCardinality(String),
    prompt_version LowCardinality(String),
    intent LowCardinality(String),
    environment LowCardinality(String),
    retention_class LowCardinality(String),
    way LowCardinality(String),
    rubric LowCardinality(String),
    skipped Bool,
    passed Nullable(Bool),
    value Nullable(Float64),
    criteria String CODEC(ZSTD(1)),
    note String,
    given_by LowCardinality(String),
    given_at DateTime64(6, 'UTC'),
    occurred_at DateTime64(6, 'UTC'),
    draw_id String,
    inclusion Nullable(Float64),
    stored_at DateTime64(3, 'UTC') DEFAULT now64(3)
)
ENGINE = ${replacing}(stored_at)
ORDER BY (tenant_id, session_id, label_id)
TTL toDateTime(stored_at) + INTERVAL 7 YEAR;

-- The order in which sessions are labelled, and the probabilities that follow from it.
CREATE TABLE IF NOT EXISTS label_draws $on_cluster
(
    tenant_id LowCardinality(String),
    draw_id String,
    session_id String,
    agent_id LowCardinality(String),
    position UInt32,
    size Float64,
    priority Float64,
    next_priority Float64,
    stratum LowCardinality(String),
    why String,
    candidates UInt32,
    since DateTime64(6, 'UTC'),
    until DateTime64(6, 'UTC'),
    drawn_by LowCardinality(String),
    drawn_at DateTime64(6, 'UTC'),
    stored_at DateTime64(3, 'UTC') DEFAULT now64(3)
)
ENGINE = ${replacing}(stored_at)
ORDER BY (tenant_id, draw_id, position)
TTL toDateTime(stored_at) + INTERVAL 7 YEAR;
