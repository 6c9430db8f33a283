-- What producers say they lost before it was sent.
SELECT labels['reason'] AS reason, sum(gained) AS value
FROM {{counted:'watchkeeper_lost_events_total'}}
GROUP BY reason
HAVING value > 0
ORDER BY reason
