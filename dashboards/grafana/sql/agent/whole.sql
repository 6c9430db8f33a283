SELECT
    {{time}} AS time,
    countIf({{key}} NOT IN {{with_mode:'audit_gap'}}) / count() AS whole
FROM {{sessions}}
GROUP BY time
ORDER BY time
