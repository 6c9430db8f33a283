-- The pipeline's own figures, as each worker writes them every few seconds. A row that is sent again replaces itself:
-- `series` is the labels as canonical JSON, since a map cannot be part of a key.
CREATE TABLE IF NOT EXISTS pipeline_metrics $on_cluster
(
    at DateTime64(3, 'UTC'),
    worker_id LowCardinality(String),
    name LowCardinality(String),
    series String,
    labels Map(LowCardinality(String), String),
    value Float64,
    stored_at DateTime64(3, 'UTC') DEFAULT now64(3)
)
ENGINE = ${replacing}(stored_at)
PARTITION BY toYYYYMMDD(at)
ORDER BY (name, worker_id, series, at)
TTL toDateTime(stored_at) + INTERVAL 30 DAY;

-- Readers ask for what is new: without these they read every day's findings.
ALTER TABLE findings $on_cluster ADD INDEX IF NOT EXISTS by_stored stored_at TYPE minmax GRANULARITY 1;
ALTER TABLE findings $on_cluster ADD INDEX IF NOT EXISTS by_detected detected_at TYPE minmax GRANULARITY 1;
