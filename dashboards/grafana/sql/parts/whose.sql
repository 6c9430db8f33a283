-- What is looked at.
$__conditionalAll(tenant_id IN (${tenant:singlequote}), $tenant)
    AND $__conditionalAll(agent_id IN (${agent:singlequote}), $agent)
    AND $__conditionalAll(agent_version IN (${version:singlequote}), $version)
    AND $__conditionalAll(origin IN (${origin:singlequote}), $origin)
