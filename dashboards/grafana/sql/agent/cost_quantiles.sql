SELECT time, found[1] AS p50, found[2] AS p90, found[3] AS p99
FROM (
    SELECT {{time}} AS time, quantilesExactInclusive(0.5, 0.9, 0.99)(cost_usd) AS found
    FROM {{sessions}}
    WHERE unpriced = 0
    GROUP BY time
)
ORDER BY time
