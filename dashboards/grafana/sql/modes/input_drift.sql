SELECT
    kind,
    multiIf(
        kind = 'shifted_texts', JSONExtractString(told, 'window'),
        kind = 'shifted_data', concat('data ', JSONExtractString(told, 'phase')),
        concat(JSONExtractString(told, 'what'), ' ', JSONExtractString(told, 'phase'))
    ) AS what,
    argMax(arrayStringConcat(arrayMap(
        part -> if(
            kind = 'shifted_texts', JSONExtractString(part, 'term'),
            concat(
                JSONExtractString(part, 'category'), if(JSONExtractString(part, 'direction') = 'rise', ' ↑', ' ↓')
            )
        ),
        JSONExtractArrayRaw(told, 'moved')
    ), ', '), at) AS moved,
    {{example}}
FROM {{evidence:'input_drift'}}
GROUP BY kind, what
ORDER BY findings DESC, latest DESC, kind, what
LIMIT 50
