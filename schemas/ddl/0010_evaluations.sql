-- The scheduler's ledger. What was decided of every ended session: a session is decided once, so its partition stays.
CREATE TABLE IF NOT EXISTS eval_samples $on_cluster
(
    tenant_id LowCardinality(String),
    session_id String,
    agent_id LowCardinality(String),
    agent_version LowCardinality(String),
    intent LowCardinality(String),
    origin LowCardinality(String),
    ended_at DateTime64(6, 'UTC'),
    decided_at DateTime64(6, 'UTC'),
    graded_at Nullable(DateTime64(6, 'UTC')),
    stratum LowCardinality(String),
    place Float64,
    inclusion Float64,
    state LowCardinality(String),
    attempts UInt32,
    scores UInt32,
    cost_usd Nullable(Float64),
    note String,
    version UInt64,
    stored_at DateTime64(3, 'UTC') DEFAULT now64(3),
    INDEX by_decided decided_at TYPE minmax GRANULARITY 1
)
ENGINE = ${replacing}(version)
PARTITION BY toYYYYMM(decided_at)
ORDER BY (tenant_id, session_id)
TTL toDateTime(stored_at) + INTERVAL 400 DAY;

-- Runs of suites.
CREATE TABLE IF NOT EXISTS eval_runs $on_cluster
(
    run_id String,
    job LowCardinality(String),
    suite LowCardinality(String),
    target LowCardinality(String),
    tenant_id LowCardinality(String),
    agent_id LowCardinality(String),
    trigger LowCardinality(String),
    what String,
    due_at DateTime64(6, 'UTC'),
    missed UInt32,
    started_at DateTime64(6, 'UTC'),
    ended_at Nullable(DateTime64(6, 'UTC')),
    state LowCardinality(String),
    done UInt32,
    total UInt32,
    failures UInt32,
    mean Nullable(Float64),
    compared String,
    note String,
    version UInt64,
    stored_at DateTime64(3, 'UTC') DEFAULT now64(3)
)
ENGINE = ${replacing}(version)
ORDER BY run_id
TTL toDateTime(stored_at) + INTERVAL 7 YEAR;

-- Cases of those runs that are done.
CREATE TABLE IF NOT EXISTS eval_cases $on_cluster
(
    run_id String,
    case_id String,
    session_id String,
    value Nullable(Float64),
    failed Bool,
    scores UInt32,
    cost_usd Nullable(Float64),
    note String,
    finished_at DateTime64(6, 'UTC'),
    stored_at DateTime64(3, 'UTC') DEFAULT now64(3)
)
ENGINE = ${replacing}(stored_at)
ORDER BY (run_id, case_id)
TTL toDateTime(stored_at) + INTERVAL 7 YEAR;

-- What each job does now, and when it runs next.
CREATE TABLE IF NOT EXISTS eval_jobs $on_cluster
(
    job String,
    state LowCardinality(String),
    done UInt32,
    total UInt32,
    next_at Nullable(DateTime64(6, 'UTC')),
    watermark Nullable(DateTime64(6, 'UTC')),
    note String,
    scheduler String,
    updated_at DateTime64(6, 'UTC'),
    stored_at DateTime64(3, 'UTC') DEFAULT now64(3)
)
ENGINE = ${replacing}(updated_at)
ORDER BY job;

-- Versions of agents, models and prompts that have been seen.
CREATE TABLE IF NOT EXISTS eval_versions $on_cluster
(
    tenant_id LowCardinality(String),
    agent_id LowCardinality(String),
    kind LowCardinality(String),
    value String,
    first_seen_at DateTime64(6, 'UTC'),
    stored_at DateTime64(3, 'UTC') DEFAULT now64(3)
)
ENGINE = ${replacing}(stored_at)
ORDER BY (tenant_id, agent_id, kind, value);

-- The scheduler asks which sessions were stored lately.
ALTER TABLE sessions $on_cluster ADD INDEX IF NOT EXISTS by_stored stored_at TYPE minmax GRANULARITY 1;
