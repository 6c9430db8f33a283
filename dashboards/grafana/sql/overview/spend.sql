SELECT toFloat64(sum(cost_usd)) AS spend FROM {{activity}}
