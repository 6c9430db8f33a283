SELECT {{metric_time}} AS time, concat(labels['topic'], ' ', labels['reason']) AS name, sum(gained) AS rows
FROM {{counted:'watchkeeper_dead_letters_total'}}
GROUP BY time, name
HAVING rows > 0
ORDER BY time, name
