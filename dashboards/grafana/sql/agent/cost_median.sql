SELECT if(count() = 0, NULL, quantileExactInclusive(0.5)(cost_usd)) AS p50
FROM {{sessions}}
WHERE unpriced = 0
