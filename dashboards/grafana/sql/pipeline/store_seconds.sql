SELECT
    {{metric_time}} AS time,
    labels['table'] AS table,
    sumIf(gained, name = 'watchkeeper_store_seconds_sum') / sumIf(gained, name = 'watchkeeper_store_seconds_count') AS seconds
FROM {{counted:'watchkeeper_store_seconds_sum', 'watchkeeper_store_seconds_count'}}
GROUP BY time, table
HAVING sumIf(gained, name = 'watchkeeper_store_seconds_count') > 0
ORDER BY time, table
