-- The time is part of the key: a broker that forgot everything counts its offsets from 0 again.
-- What could not be read, byte for byte. JSON cannot carry arbitrary bytes, so they arrive in base64.
CREATE TABLE IF NOT EXISTS dead_letters $on_cluster
(
    source_topic LowCardinality(String),
    source_partition UInt16,
    source_offset UInt64,
    source_line Int32,
    revision UInt32,
    reason LowCardinality(String),
    detail String,
    key_base64 String,
    raw_base64 String CODEC(ZSTD(1)),
    received_at DateTime64(3, 'UTC'),
    status LowCardinality(String),
    stored_at DateTime64(3, 'UTC') DEFAULT now64(3)
)
ENGINE = ${replacing}(revision)
ORDER BY (source_topic, source_partition, source_offset, source_line, received_at)
TTL toDateTime(stored_at) + INTERVAL 90 DAY;
