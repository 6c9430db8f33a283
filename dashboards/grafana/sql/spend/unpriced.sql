SELECT model, sum(unpriced) AS requests, sum(input_tokens) AS input_tokens, sum(output_tokens) AS output_tokens
FROM {{activity}}
WHERE unpriced > 0
GROUP BY model
ORDER BY requests DESC, model
LIMIT 50
