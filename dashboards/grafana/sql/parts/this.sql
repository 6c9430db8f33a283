-- The session that is looked at.
$__conditionalAll(tenant_id IN (${tenant:singlequote}), $tenant) AND session_id IN (${session:singlequote})
