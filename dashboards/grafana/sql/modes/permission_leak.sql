SELECT
    kind,
    JSONExtractString(told, 'source') AS source,
    JSONExtractString(told, 'reach') AS reach,
    uniqExact(JSONExtractString(told, 'document_id')) AS documents,
    max(JSONExtractFloat(told, 'age_seconds')) AS oldest_list,
    {{example}}
FROM {{evidence:'permission_leak'}}
GROUP BY kind, source, reach
ORDER BY findings DESC, latest DESC, kind, source, reach
LIMIT 50
