SELECT count() AS open
FROM (
    SELECT argMax(status, revision) AS status
    FROM dead_letters
    WHERE $__timeFilter(received_at)
    GROUP BY source_topic, source_partition, source_offset, source_line
)
WHERE status = 'open'
