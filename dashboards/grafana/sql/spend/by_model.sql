SELECT {{time}} AS time, model AS name, toFloat64(sum(cost_usd)) AS spend
FROM {{activity}}
GROUP BY time, name
HAVING spend > 0
ORDER BY time, name
