SELECT {{metric_time}} AS time, labels['reason'] AS name, sum(gained) AS events
FROM {{counted:'watchkeeper_lost_events_total'}}
GROUP BY time, name
HAVING events > 0
ORDER BY time, name
