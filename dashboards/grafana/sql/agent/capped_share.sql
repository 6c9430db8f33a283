SELECT
    if(
        count() = 0, NULL,
        countIf({{key}} IN (SELECT key FROM {{capped}})) / count()
    ) AS capped
FROM {{sessions}}
