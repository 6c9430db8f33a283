SELECT
    {{time}} AS time,
    if(sum(sessions_completed) = 0, NULL, toFloat64(sum(cost_usd)) / sum(sessions_completed)) AS spend
FROM {{activity}}
GROUP BY time
ORDER BY time
