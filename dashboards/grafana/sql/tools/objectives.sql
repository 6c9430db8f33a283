-- How each objective was kept in the 28 days until the range's end, and how much of what may go wrong is used up.
SELECT
    agent,
    rate,
    of,
    target,
    events,
    bad,
    if(events = 0, NULL, 1 - bad / events) AS kept,
    if(events = 0 OR target >= 1, NULL, bad / (events * (1 - target))) AS budget_used,
    arrayStringConcat(burning, ', ') AS burns,
    tenant_id AS tenant
FROM (
    SELECT
        *,
        arrayFilter(
            day -> toInt64(day) > intDiv(toUnixTimestamp($__toTime), 86400) - 28
                AND toInt64(day) <= intDiv(toUnixTimestamp($__toTime), 86400),
            mapKeys(days)
        ) AS counted,
        arraySum(day -> days[day][1], counted) AS events,
        arraySum(day -> days[day][2], counted) AS bad
    FROM {{objectives}}
)
ORDER BY budget_used DESC NULLS LAST, tenant, agent, rate, of, target
LIMIT 200
