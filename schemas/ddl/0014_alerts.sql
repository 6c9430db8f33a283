-- The alert router's ledger. An alert as it stands, with what the router resumes from: one row, so that a decision and
-- the messages that follow from it are kept together or not at all.
CREATE TABLE IF NOT EXISTS alerts $on_cluster
(
    tenant_id LowCardinality(String),
    alert_id String,
    sort LowCardinality(String),
    status LowCardinality(String),
    severity LowCardinality(String),
    failure_mode LowCardinality(String),
    agent_id LowCardinality(String),
    lead String,
    title String,
    since DateTime64(6, 'UTC'),
    opened_at DateTime64(6, 'UTC'),
    updated_at DateTime64(6, 'UTC'),
    ended_at Nullable(DateTime64(6, 'UTC')),
    acked_by LowCardinality(String),
    reason String,
    findings UInt64,
    open_findings UInt64,
    delivered UInt64,
    dead UInt64,
    state String CODEC(ZSTD(1)),
    version UInt64,
    stored_at DateTime64(3, 'UTC') DEFAULT now64(3),
    INDEX by_opened opened_at TYPE minmax GRANULARITY 1
)
ENGINE = ${replacing}(version)
ORDER BY alert_id
TTL toDateTime(stored_at) + INTERVAL 7 YEAR;

-- Every finding that the router heard, and the alert that it became part of.
CREATE TABLE IF NOT EXISTS alert_findings $on_cluster
(
    tenant_id LowCardinality(String),
    finding_id String,
    revision UInt32,
    status LowCardinality(String),
    alert_id String,
    place LowCardinality(String),
    ordinal UInt64,
    why String,
    tree String,
    failure_mode LowCardinality(String),
    kind LowCardinality(String),
    severity LowCardinality(String),
    agent_id LowCardinality(String),
    session_id String,
    subject String,
    summary String,
    evidence String CODEC(ZSTD(1)),
    runbook LowCardinality(String),
    first_event_at DateTime64(6, 'UTC'),
    detected_at DateTime64(6, 'UTC'),
    heard_at DateTime64(6, 'UTC'),
    version UInt64,
    stored_at DateTime64(3, 'UTC') DEFAULT now64(3),
    INDEX by_alert alert_id TYPE bloom_filter(0.01) GRANULARITY 1,
    INDEX by_heard heard_at TYPE minmax GRANULARITY 1
)
ENGINE = ${replacing}(version)
ORDER BY (tenant_id, finding_id)
TTL toDateTime(stored_at) + INTERVAL 400 DAY;

-- Messages to channels.
CREATE TABLE IF NOT EXISTS alert_notices $on_cluster
(
    alert_id String,
    notice_id String,
    channel LowCardinality(String),
    kind LowCardinality(String),
    state LowCardinality(String),
    severity LowCardinality(String),
    after UInt64,
    upto UInt64,
    attempts UInt32,
    answer String,
    title String,
    text String CODEC(ZSTD(1)),
    made_at DateTime64(6, 'UTC'),
    tried_at Nullable(DateTime64(6, 'UTC')),
    version UInt64,
    stored_at DateTime64(3, 'UTC') DEFAULT now64(3)
)
ENGINE = ${replacing}(version)
ORDER BY (alert_id, notice_id)
TTL toDateTime(stored_at) + INTERVAL 400 DAY;
