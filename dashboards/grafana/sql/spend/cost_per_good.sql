-- All that was spent on sessions that began in the step, over those of them that went well.
SELECT time, if(good = 0, NULL, spent / good) AS spend
FROM (
    SELECT
        {{time}} AS time,
        sum(cost_usd) AS spent,
        countIf(status = 'completed' AND worst NOT IN ('high', 'critical')) AS good
    FROM {{sessions}}
    GROUP BY time
)
ORDER BY time
