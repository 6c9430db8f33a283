SELECT time, labels['topic'] AS name, sum(last) AS bytes
FROM {{gauge:'watchkeeper_state_bytes'}}
GROUP BY time, name
ORDER BY time, name
