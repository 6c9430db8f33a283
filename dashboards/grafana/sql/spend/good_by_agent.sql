SELECT
    agent_id AS agent,
    count() AS sessions,
    countIf(status = 'completed' AND worst NOT IN ('high', 'critical')) AS good,
    sum(cost_usd) AS spend,
    if(good = 0, NULL, spend / good) AS a_good_one,
    sumIf(cost_usd, NOT (status = 'completed' AND worst NOT IN ('high', 'critical'))) AS spent_in_vain,
    sum(unpriced) AS unpriced
FROM {{sessions}}
GROUP BY agent
ORDER BY spend DESC, agent
LIMIT 100
