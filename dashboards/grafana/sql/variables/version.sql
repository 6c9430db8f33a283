SELECT DISTINCT agent_version FROM activity_hours
WHERE $__timeFilter(hour)
    AND $__conditionalAll(tenant_id IN (${tenant:singlequote}), $tenant)
    AND $__conditionalAll(agent_id IN (${agent:singlequote}), $agent)
ORDER BY agent_version LIMIT 1000
