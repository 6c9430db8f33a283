-- Each bucket's upper bound that half, or 95 of 100, of the step's findings stayed within.
SELECT
    time,
    minIf(bound, reached >= 0.5 * findings) AS p50,
    minIf(bound, reached >= 0.95 * findings) AS p95
FROM (
    SELECT
        {{metric_time}} AS time,
        toFloat64OrDefault(labels['le'], inf) AS bound,
        sum(gained) AS reached,
        max(reached) OVER (PARTITION BY time) AS findings
    FROM {{counted:'watchkeeper_finding_seconds_bucket'}}
    GROUP BY time, bound
)
WHERE findings > 0
GROUP BY time
ORDER BY time
