SELECT
    kind,
    if(
        kind = 'followed_instruction',
        JSONExtractString(told, 'content', 'name'), JSONExtractString(told, 'name')
    ) AS source,
    JSONExtractString(told, 'tool_name') AS tool,
    arrayStringConcat(arraySort(groupUniqArrayArray(JSONExtract(told, 'signals', 'Array(String)'))), ', ') AS signals,
    {{example}}
FROM {{evidence:'prompt_injection'}}
GROUP BY kind, source, tool
ORDER BY findings DESC, latest DESC, kind, source, tool
LIMIT 50
