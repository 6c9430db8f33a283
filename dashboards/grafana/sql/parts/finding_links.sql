-- What links of a finding's row read.
tenant_id AS tenant,
    toString(toUnixTimestamp64Milli(at) - 3600000) AS from_ms,
    toString(toUnixTimestamp64Milli(last_at) + 3600000) AS to_ms,
    {{runbook_panel}} AS runbook_panel
