SELECT
    {{time}} AS time,
    sum(input_tokens) - sum(cached_input_tokens) AS input,
    sum(cached_input_tokens) AS cached_input,
    sum(output_tokens) AS output
FROM {{activity}}
GROUP BY time
ORDER BY time
