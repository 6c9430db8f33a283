-- The latest revision of each finding of which something was told in the range, where it is open.
(
    SELECT
        tenant_id,
        finding_id,
        argMax(agent_id, revision) AS agent_id,
        argMax(failure_mode, revision) AS failure_mode,
        argMax(severity, revision) AS severity,
        argMax(status, revision) AS status,
        any(rule_id) AS rule_id
    FROM findings
    WHERE $__timeFilter({{name}}) AND origin != 'import' AND rule_stage = 'active'
    GROUP BY tenant_id, finding_id
    HAVING status = 'open'
)
