SELECT DISTINCT grader FROM scores
WHERE $__timeFilter(occurred_at)
    AND $__conditionalAll(tenant_id IN (${tenant:singlequote}), $tenant)
    AND $__conditionalAll(agent_id IN (${agent:singlequote}), $agent)
ORDER BY grader LIMIT 1000
