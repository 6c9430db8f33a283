SELECT time, sum(cost) OVER (ORDER BY time ROWS UNBOUNDED PRECEDING) AS spent
FROM (
    SELECT occurred_at AS time, toFloat64(sum(cost_usd)) AS cost
    FROM {{told:occurred_at, cost_usd}}
    WHERE cost_usd IS NOT NULL
    GROUP BY time
)
ORDER BY time
LIMIT 5000
