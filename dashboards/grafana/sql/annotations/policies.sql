-- Policies that were not there when the range began: of each agent's, all but the first.
SELECT at AS time, concat('Policy of ', agent, ' is now ', substring(policy, 1, 14)) AS text, 'policy' AS tags
FROM (
    SELECT
        agent_id AS agent,
        policy_address AS policy,
        min(started_at) AS at,
        min(at) OVER (PARTITION BY tenant_id, agent_id) AS first
    FROM sessions_by_time
    WHERE opened_at >= $__fromTime - INTERVAL 1 DAY AND opened_at <= $__toTime + INTERVAL 1 DAY
        AND $__timeFilter(started_at) AND {{whose}}
    GROUP BY tenant_id, agent_id, policy_address
)
WHERE at > first
ORDER BY time
LIMIT 200
