-- A partition is one worker's at a time: of two that told of it, the later holds.
SELECT topic, sum(last) AS value
FROM (
    SELECT labels['topic'] AS topic, labels['partition'] AS partition, argMax(value, at) AS last
    FROM pipeline_metrics
    WHERE name = 'watchkeeper_lag_records' AND $__timeFilter(at)
    GROUP BY topic, partition
)
GROUP BY topic
ORDER BY topic
