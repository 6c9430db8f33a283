SELECT last_at AS time, summary AS text, failure_mode AS tags
FROM {{evidence:'quality_drift', 'input_drift', 'version_drift'}}
WHERE kind != 'unjudged'
ORDER BY time
LIMIT 200
