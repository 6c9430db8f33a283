SELECT if(ended = 0, NULL, failed / ended) AS failed_share
FROM (
    SELECT
        sum(sessions_failed) AS failed,
        sum(sessions_completed) + failed + sum(sessions_stopped) AS ended
    FROM {{activity}}
)
