SELECT
    grader,
    one.1 AS dimension,
    one.2 AS segment,
    count() AS scored,
    {{mean}},
    centre - half AS low,
    centre + half AS high
FROM {{scored}}
ARRAY JOIN [
    ('intent', intent), ('version', agent_version), ('model', model), ('prompt', prompt_version)
] AS one
WHERE weight > 0 AND segment != ''
GROUP BY grader, dimension, segment
ORDER BY mean, grader, dimension, segment
LIMIT 200
