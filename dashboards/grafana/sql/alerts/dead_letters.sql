-- What could not be read in the range and was not sent again since.
SELECT reason, toFloat64(count()) AS value
FROM (
    SELECT argMax(status, revision) AS status, any(reason) AS reason
    FROM dead_letters
    WHERE $__timeFilter(received_at)
    GROUP BY source_topic, source_partition, source_offset, source_line
)
WHERE status = 'open'
GROUP BY reason
ORDER BY reason
