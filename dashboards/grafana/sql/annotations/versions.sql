-- Versions of agents that were not there when the range began: of each agent's, all but the first. Of models and
-- prompts, those that the scheduler saw first in the range.
SELECT min(at) AS time, concat('New version ', version, ' of ', agent) AS text, 'version' AS tags
FROM (
    SELECT
        min(hour) AS at,
        agent_id AS agent,
        agent_version AS version,
        min(at) OVER (PARTITION BY tenant_id, agent_id) AS first
    FROM activity_hours
    WHERE $__timeFilter(hour) AND events > 0 AND agent_version != '' AND {{whose}}
    GROUP BY tenant_id, agent_id, agent_version
)
WHERE at > first
GROUP BY agent, version
LIMIT 200
UNION ALL
SELECT
    min(first_seen_at) AS time,
    concat('New ', kind, ' ', value, ' of ', agent_id) AS text,
    'version' AS tags
FROM eval_versions
WHERE kind IN ('model', 'prompt')
    AND $__conditionalAll(tenant_id IN (${tenant:singlequote}), $tenant)
    AND $__conditionalAll(agent_id IN (${agent:singlequote}), $agent)
GROUP BY kind, value, agent_id
HAVING $__timeFilter(time)
ORDER BY time
LIMIT 200
