-- The last word of each worker on a gauge within the step.
(
    SELECT {{metric_time}} AS time, any(labels) AS labels, argMax(value, at) AS last
    FROM pipeline_metrics
    WHERE $__interval_s < 600 AND name = {{name}} AND $__timeFilter(at)
    GROUP BY time, worker_id, series
    UNION ALL
    SELECT {{metric_hour}} AS time, any(labels) AS labels, argMax(metric_hours.last, last_at) AS last
    FROM metric_hours FINAL
    WHERE $__interval_s >= 600 AND name = {{name}} AND $__timeFilter(hour)
    GROUP BY time, worker_id, series
)
