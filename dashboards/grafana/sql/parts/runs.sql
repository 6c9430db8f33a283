-- Runs of suites that began in the range, each as it stands now.
(
    SELECT *
    FROM eval_runs
    WHERE $__timeFilter(started_at)
        AND $__conditionalAll(tenant_id IN (${tenant:singlequote}), $tenant)
        AND $__conditionalAll(agent_id IN (${agent:singlequote}), $agent)
    ORDER BY version DESC
    LIMIT 1 BY run_id
)
