SELECT {{time}} AS time, agent_id AS name, sum(abstained) / sum(sessions_started) AS share
FROM {{activity}}
GROUP BY time, name
HAVING sum(sessions_started) > 0
ORDER BY time, name
