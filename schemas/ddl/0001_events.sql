-- Events as they were told. The digest is part of the key: the same number with other content is kept apart.
-- Retention runs from the time of storage: a recording of two years ago must not vanish at the first merge.
CREATE TABLE IF NOT EXISTS events $on_cluster
(
    tenant_id LowCardinality(String) DEFAULT 'default',
    session_id String,
    writer_id String,
    seq UInt64,
    digest String,
    type LowCardinality(String),
    event_id String,
    schema_version UInt16 DEFAULT 1,
    root_session_id String DEFAULT session_id,
    parent_session_id String DEFAULT '',
    occurred_at DateTime64(6, 'UTC') CODEC(Delta, ZSTD(1)),
    agent_id LowCardinality(String),
    agent_version LowCardinality(String) DEFAULT '',
    workflow LowCardinality(String) DEFAULT '',
    step LowCardinality(String) DEFAULT '',
    turn Nullable(UInt32),
    environment LowCardinality(String) DEFAULT 'production',
    origin LowCardinality(String) DEFAULT 'live',
    retention_class LowCardinality(String) DEFAULT 'standard',
    trace_id String DEFAULT '',
    span_id String DEFAULT '',
    user_id String DEFAULT '',
    customer_id String DEFAULT '',
    attributes String DEFAULT '{}',
    writer_salt String DEFAULT '',
    data_digest String DEFAULT '',
    chain String DEFAULT '',
    data String CODEC(ZSTD(1)),
    source_partition UInt16,
    source_offset UInt64 CODEC(Delta, ZSTD(1)),
    source_line UInt32,
    late Bool DEFAULT false,
    received_at DateTime64(3, 'UTC') CODEC(Delta, ZSTD(1)),
    tool_name LowCardinality(String) DEFAULT '',
    model LowCardinality(String) DEFAULT '',
    input_tokens UInt64 DEFAULT 0,
    cached_input_tokens UInt64 DEFAULT 0,
    output_tokens UInt64 DEFAULT 0,
    cost_usd Nullable(Decimal(18, 9)),
    price_status LowCardinality(String) DEFAULT 'none',
    price_version LowCardinality(String) DEFAULT '',
    stored_at DateTime64(3, 'UTC') DEFAULT now64(3),
    INDEX by_user user_id TYPE bloom_filter(0.01) GRANULARITY 4,
    INDEX by_customer customer_id TYPE bloom_filter(0.01) GRANULARITY 4,
    INDEX by_tool tool_name TYPE set(100) GRANULARITY 4,
    INDEX by_event event_id TYPE bloom_filter(0.01) GRANULARITY 4
)
ENGINE = ${replacing}(stored_at)
PARTITION BY toYYYYMMDD(occurred_at)
ORDER BY (tenant_id, session_id, writer_id, seq, digest)
TTL toDateTime(stored_at) + INTERVAL 90 DAY DELETE WHERE retention_class = 'standard',
    toDateTime(stored_at) + INTERVAL 7 YEAR DELETE WHERE retention_class = 'regulated'
SETTINGS index_granularity = 4096;

-- Texts by address: tool schemas, policies and parts of long texts. The longest class that refers to a text keeps it.
CREATE TABLE IF NOT EXISTS contents $on_cluster
(
    tenant_id LowCardinality(String),
    address String,
    part UInt32,
    parts UInt32,
    size UInt64,
    media_type LowCardinality(String),
    text String CODEC(ZSTD(3)),
    retention_class LowCardinality(String) DEFAULT 'standard',
    stored_at DateTime64(3, 'UTC') DEFAULT now64(3),
    keep_until DateTime('UTC') DEFAULT if(retention_class = 'regulated',
        toDateTime(stored_at) + INTERVAL 7 YEAR, toDateTime(stored_at) + INTERVAL 90 DAY)
)
ENGINE = ${replacing}(keep_until)
ORDER BY (tenant_id, address, part)
TTL keep_until;
