SELECT {{time}} AS time, tool_name AS name, sum(tool_errors) / sum(tool_results) AS share
FROM {{activity}}
WHERE tool_name != ''
GROUP BY time, name
HAVING sum(tool_results) > 0
ORDER BY time, name
