SELECT DISTINCT intent FROM sessions_by_time
WHERE opened_at >= $__fromTime - INTERVAL 1 DAY AND opened_at <= $__toTime + INTERVAL 1 DAY
    AND $__timeFilter(started_at) AND intent != ''
    AND $__conditionalAll(tenant_id IN (${tenant:singlequote}), $tenant)
    AND $__conditionalAll(agent_id IN (${agent:singlequote}), $agent)
ORDER BY intent LIMIT 1000
