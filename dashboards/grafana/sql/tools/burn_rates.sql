-- The pairs of windows of `burn_rates`: how fast each burns now, long and short, and from where on both alarm.
SELECT
    agent,
    rate,
    of,
    windows.1 AS pair,
    if(long_events = 0 OR target >= 1, NULL, long_bad / long_events / (1 - target)) AS long_burn,
    if(short_events = 0 OR target >= 1, NULL, short_bad / short_events / (1 - target)) AS short_burn,
    if(target >= 1, NULL, least(windows.2, (2 - target) / 2 / (1 - target))) AS alarms_above,
    long_events AS events,
    long_bad AS bad,
    if(has(burning, windows.1), 'burning', '') AS state,
    tenant_id AS tenant
FROM (
    SELECT
        *,
        windows,
        intDiv(toUnixTimestamp($__toTime), windows.3) AS last,
        arrayFilter(at -> toInt64(at) > last - windows.4 AND toInt64(at) <= last, mapKeys(held)) AS long,
        arrayFilter(at -> toInt64(at) > last - windows.5, long) AS short,
        arraySum(at -> held[at][1], long) AS long_events,
        arraySum(at -> held[at][2], long) AS long_bad,
        arraySum(at -> held[at][1], short) AS short_events,
        arraySum(at -> held[at][2], short) AS short_bad
    FROM {{objectives}}
    ARRAY JOIN
        [('fast', 14.4, 60, 60, 5), ('slow', 6., 600, 36, 3), ('chronic', 1., 7200, 36, 3)] AS windows,
        counts AS held
)
WHERE long_events > 0
ORDER BY state DESC, long_burn / alarms_above DESC NULLS LAST, tenant, agent, rate, of, pair
LIMIT 200
