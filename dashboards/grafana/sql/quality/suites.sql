SELECT started_at AS time, concat(suite, ' ', target) AS name, avg(mean) AS score
FROM {{runs}}
WHERE mean IS NOT NULL
GROUP BY time, name
ORDER BY time, name
