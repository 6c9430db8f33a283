-- Each worker's last word of the minute.
SELECT countIf(ready = 1) AS workers
FROM (
    SELECT argMax(value, at) AS ready
    FROM pipeline_metrics
    WHERE name = 'watchkeeper_ready' AND at >= $__toTime - INTERVAL 60 SECOND AND at <= $__toTime
    GROUP BY worker_id
)
