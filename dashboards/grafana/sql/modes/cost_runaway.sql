SELECT
    kind,
    multiIf(
        kind IN ('cap_use', 'capped_share'), JSONExtractString(told, 'cap'),
        kind = 'budget_use', concat(JSONExtractString(told, 'whose'), ' a ', JSONExtractString(told, 'per')),
        JSONExtractString(told, 'what')
    ) AS of,
    max(multiIf(
        kind = 'cap_use', JSONExtractFloat(told, 'used') / JSONExtractFloat(told, 'limit'),
        kind = 'capped_share', JSONExtractFloat(told, 'share') / JSONExtractFloat(told, 'limit'),
        kind = 'budget_use', JSONExtractFloat(told, 'share'),
        kind IN ('spend_outlier', 'spend_above_history'),
        JSONExtractFloat(told, 'usd') / JSONExtractFloat(told, 'limit_usd'),
        0
    )) AS worst_use,
    {{example}}
FROM {{evidence:'cost_runaway'}}
GROUP BY kind, of
ORDER BY findings DESC, latest DESC, kind, of
LIMIT 50
