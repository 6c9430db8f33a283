SELECT
    at AS began,
    severity,
    failure_mode AS mode,
    kind,
    agent_id AS agent,
    session_id AS session,
    summary,
    status,
    multiIf(
        kind = 'budget_use', JSONExtractFloat(told, 'spent_usd'),
        kind = 'cap_use', JSONExtractFloat(told, 'used'),
        JSONExtractFloat(told, 'usd')
    ) AS spend,
    multiIf(
        kind = 'budget_use', JSONExtractFloat(told, 'budget_usd'),
        kind = 'cap_use', JSONExtractFloat(told, 'limit'),
        JSONExtractFloat(told, 'limit_usd')
    ) AS allowed,
    spend / allowed AS of_allowed,
    {{finding_links}}
FROM {{evidence:'cost_runaway'}}
WHERE kind IN ('spend_outlier', 'spend_above_history', 'budget_use')
    OR (kind = 'cap_use' AND JSONExtractString(told, 'cap') = 'cost_usd')
ORDER BY of_allowed DESC, began DESC, finding_id
LIMIT 100
