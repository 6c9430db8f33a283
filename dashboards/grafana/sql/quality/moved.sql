-- The segments of each alarm, by what they add to the change.
SELECT
    agent_id AS agent,
    JSONExtractString(told, 'stream') AS stream,
    JSONExtractString(segment, 'dimension') AS dimension,
    JSONExtractString(segment, 'name') AS name,
    JSONExtractFloat(segment, 'share_before') AS share_before,
    JSONExtractFloat(segment, 'share_after') AS share_after,
    JSONExtractFloat(segment, 'before') AS before,
    JSONExtractFloat(segment, 'after') AS after,
    JSONExtractFloat(segment, 'low') AS change_low,
    JSONExtractFloat(segment, 'high') AS change_high,
    JSONExtractFloat(segment, 'within') AS worse_itself,
    JSONExtractFloat(segment, 'mix') AS more_of_it
FROM {{evidence:'quality_drift'}}
ARRAY JOIN JSONExtractArrayRaw(told, 'segments') AS segment
WHERE kind = 'drifted_scores'
ORDER BY at DESC, stream, abs(worse_itself) + abs(more_of_it) DESC, dimension, name
LIMIT 100
