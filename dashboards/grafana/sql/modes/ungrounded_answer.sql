SELECT
    kind,
    if(
        kind = 'unsupported_claims',
        JSONExtractString(told, 'claims', 1, 'claim'), JSONExtractString(told, 'reason')
    ) AS reason,
    sumIf(JSONLength(told, 'claims') + JSONExtractUInt(told, 'more'), kind = 'unsupported_claims') AS claims,
    sum(JSONExtractUInt(told, 'checked')) AS checked,
    {{example}}
FROM {{evidence:'ungrounded_answer'}}
GROUP BY kind, reason
ORDER BY findings DESC, latest DESC, kind, reason
LIMIT 50
