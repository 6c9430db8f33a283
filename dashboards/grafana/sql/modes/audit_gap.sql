SELECT
    kind,
    multiIf(
        kind = 'low_completeness', 'objective',
        kind IN ('missing_content', 'content_mismatch'), JSONExtractString(told, 'field'),
        JSONExtractString(told, 'tool_name')
    ) AS of,
    sumIf(
        JSONExtractUInt(told, 'last_missing') + 1 - JSONExtractUInt(told, 'first_missing'), kind = 'sequence_gap'
    ) AS lost_events,
    {{example}}
FROM {{evidence:'audit_gap'}}
GROUP BY kind, of
ORDER BY findings DESC, latest DESC, kind, of
LIMIT 50
