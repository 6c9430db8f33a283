SELECT {{metric_time}} AS time, labels['topic'] AS name, sum(gained) / {{metric_step}} AS events
FROM {{counted:'watchkeeper_events_total'}}
GROUP BY time, name
ORDER BY time, name
