SELECT
    kind,
    JSONExtractString(told, 'tool_name') AS tool,
    multiIf(
        kind = 'tool_not_allowed', JSONExtractString(told, 'reason'),
        kind = 'arguments_out_of_bounds', concat(
            JSONExtractString(told, 'breaches', 1, 'path'), ' ', JSONExtractString(told, 'breaches', 1, 'expected')
        ),
        kind = 'resource_out_of_scope', JSONExtractString(told, 'path'),
        kind = 'rate_exceeded', concat(toString(JSONExtractUInt(told, 'limit')), ' a ', JSONExtractString(told, 'per')),
        ''
    ) AS limit,
    sumIf(JSONExtractUInt(told, 'above'), kind = 'rate_exceeded') AS calls_above,
    {{example}}
FROM {{evidence:'tool_boundary'}}
GROUP BY kind, tool, limit
ORDER BY findings DESC, latest DESC, kind, tool, limit
LIMIT 50
