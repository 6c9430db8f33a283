SELECT
    last_at AS told_at,
    severity,
    failure_mode AS mode,
    agent_id AS agent,
    summary,
    status,
    if(kind = 'drifted_scores', JSONExtractFloat(told, 'before'), NULL) AS before,
    if(kind = 'drifted_scores', JSONExtractFloat(told, 'after'), NULL) AS after,
    if(kind = 'drifted_scores', JSONExtractFloat(told, 'change_low'), NULL) AS change_low,
    if(kind = 'drifted_scores', JSONExtractFloat(told, 'change_high'), NULL) AS change_high,
    finding_id AS finding,
    {{finding_links}}
FROM {{evidence:'quality_drift', 'input_drift', 'version_drift'}}
WHERE kind != 'unjudged'
ORDER BY last_at DESC, finding
LIMIT 100
