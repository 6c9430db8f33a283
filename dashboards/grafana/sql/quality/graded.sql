SELECT uniqExact(tenant_id, session_id) AS graded FROM {{scored}} WHERE weight > 0
