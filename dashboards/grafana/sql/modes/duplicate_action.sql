SELECT
    JSONExtractString(told, 'tool_name') AS tool,
    JSONExtractString(told, 'effect') AS effect,
    JSONExtractString(told, 'reason') AS reason,
    sum(JSONExtractUInt(told, 'repeats')) AS repeats,
    quantileExactInclusive(0.5)(JSONExtractFloat(told, 'seconds_between')) AS apart,
    {{example}}
FROM {{evidence:'duplicate_action'}}
GROUP BY tool, effect, reason
ORDER BY findings DESC, latest DESC, tool, effect, reason
LIMIT 50
