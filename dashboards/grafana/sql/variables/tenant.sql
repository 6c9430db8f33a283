SELECT DISTINCT tenant_id FROM activity_hours WHERE $__timeFilter(hour) ORDER BY tenant_id LIMIT 1000
