SELECT {{time}} AS time, tool_name AS name, sum(tool_calls) AS calls
FROM {{activity}}
WHERE tool_name != ''
GROUP BY time, name
ORDER BY time, name
