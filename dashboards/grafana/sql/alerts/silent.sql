-- Seconds since a worker last wrote its figures, which it does every 15 seconds; more than any limit where none did.
SELECT toFloat64(dateDiff('second', max(at), $__toTime)) AS value
FROM pipeline_metrics
WHERE name = 'watchkeeper_ready' AND $__timeFilter(at)
