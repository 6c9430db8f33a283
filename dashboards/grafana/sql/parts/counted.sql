-- What counters gained between two of their rows, worker by worker. A series that begins within the range began at 0;
-- what one had counted before the range is not gained in it. Of hours where points stand an hour apart.
(
    SELECT
        at, labels, name,
        greatest(value - lagInFrame(value, 1, if(at < $__fromTime + INTERVAL 30 SECOND, value, 0)) OVER (
            PARTITION BY name, worker_id, series ORDER BY at ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW
        ), 0) AS gained
    FROM (
        SELECT name, worker_id, series, at, any(labels) AS labels, argMax(value, stored_at) AS value
        FROM pipeline_metrics
        WHERE $__interval_s < 600 AND name IN ({{names}}) AND $__timeFilter(at)
        GROUP BY name, worker_id, series, at
    )
    UNION ALL
    SELECT toDateTime64(hour, 3, 'UTC') AS at, labels, name, gained
    FROM metric_hours FINAL
    WHERE $__interval_s >= 600 AND name IN ({{names}}) AND $__timeFilter(hour)
)
