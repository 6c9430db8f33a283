SELECT sum(cost_usd) AS spend FROM {{scored}}
