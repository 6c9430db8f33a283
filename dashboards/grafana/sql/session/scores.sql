SELECT grader, source, passed, value, label, reason, graded_at
FROM (
    SELECT *
    FROM scores
    WHERE {{this}} AND {{during:occurred_at}}
    ORDER BY graded_at DESC
    LIMIT 1 BY tenant_id, source, score_id
)
ORDER BY source, grader
LIMIT 100
