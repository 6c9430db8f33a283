-- A partition is one worker's at a time: of two that told of it within the step, the later holds.
SELECT time, topic AS name, sum(last) AS lag
FROM (
    SELECT {{metric_time}} AS time, labels['topic'] AS topic, labels['partition'] AS partition, argMax(value, at) AS last
    FROM pipeline_metrics
    WHERE $__interval_s < 600 AND name = 'watchkeeper_lag_records' AND $__timeFilter(at)
    GROUP BY time, topic, partition
    UNION ALL
    SELECT
        {{metric_hour}} AS time, labels['topic'] AS topic, labels['partition'] AS partition,
        argMax(metric_hours.last, last_at) AS last
    FROM metric_hours FINAL
    WHERE $__interval_s >= 600 AND name = 'watchkeeper_lag_records' AND $__timeFilter(hour)
    GROUP BY time, topic, partition
)
GROUP BY time, topic
ORDER BY time, topic
