-- The share of the store's disks that is free, as the worker that spoke last says.
SELECT argMaxIf(value, at, name = 'watchkeeper_store_disk_free_bytes')
    / nullIf(argMaxIf(value, at, name = 'watchkeeper_store_disk_bytes'), 0) AS value
FROM pipeline_metrics
WHERE name IN ('watchkeeper_store_disk_free_bytes', 'watchkeeper_store_disk_bytes') AND $__timeFilter(at)
HAVING value IS NOT NULL
