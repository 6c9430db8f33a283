SELECT
    {{time}} AS time,
    countIf({{key}} IN {{with_mode:'reasoning_loop'}}) / count() AS looped
FROM {{sessions}}
GROUP BY time
ORDER BY time
