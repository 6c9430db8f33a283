SELECT
    {{time}} AS time,
    sum(sessions_started) AS started,
    sum(sessions_completed) AS completed,
    sum(sessions_failed) AS failed,
    sum(sessions_stopped) AS stopped
FROM {{activity}}
GROUP BY time
ORDER BY time
