SELECT DISTINCT agent_id FROM activity_hours
WHERE $__timeFilter(hour) AND $__conditionalAll(tenant_id IN (${tenant:singlequote}), $tenant)
ORDER BY agent_id LIMIT 1000
