SELECT channel, toFloat64(count()) AS value
FROM {{given_up}}
GROUP BY channel
ORDER BY channel
