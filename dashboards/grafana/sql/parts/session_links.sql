-- What links of a session's row read.
tenant_id AS tenant,
    toString(toUnixTimestamp64Milli(at) - 60000) AS from_ms,
    toString(toUnixTimestamp64Milli(last_at) + 60000) AS to_ms
