-- What each day used of the error budget: 1 is as much as the objective allows for a day.
SELECT
    toDateTime(toInt64(day) * 86400, 'UTC') AS time,
    concat(agent, ' ', rate, ' of ', of) AS name,
    sum(days[day][2]) / sum(days[day][1]) / (1 - min(target)) AS burn
FROM {{objectives}}
ARRAY JOIN mapKeys(days) AS day
WHERE $__timeFilter(time) AND target < 1 AND days[day][1] > 0
GROUP BY time, name
ORDER BY time, name
LIMIT 5000
