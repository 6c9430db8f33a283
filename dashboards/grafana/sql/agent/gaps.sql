SELECT
    kind,
    count() AS findings,
    countIf(status = 'resolved') AS resolved,
    uniqExact(tenant_id, session_id) AS sessions,
    max(at) AS latest
FROM {{evidence:'audit_gap'}}
GROUP BY kind
ORDER BY findings DESC, kind
