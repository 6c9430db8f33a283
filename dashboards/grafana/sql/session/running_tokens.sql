SELECT
    time,
    sum(new_input) OVER (ORDER BY time ROWS UNBOUNDED PRECEDING) AS input,
    sum(cached) OVER (ORDER BY time ROWS UNBOUNDED PRECEDING) AS cached_input,
    sum(made) OVER (ORDER BY time ROWS UNBOUNDED PRECEDING) AS output
FROM (
    SELECT
        occurred_at AS time,
        sum(input_tokens) - sum(cached_input_tokens) AS new_input,
        sum(cached_input_tokens) AS cached,
        sum(output_tokens) AS made
    FROM {{told:occurred_at, type, input_tokens, cached_input_tokens, output_tokens}}
    WHERE type = 'response'
    GROUP BY time
)
ORDER BY time
LIMIT 5000
