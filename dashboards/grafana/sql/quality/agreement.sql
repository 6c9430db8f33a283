-- The latest label of each person on a session, beside each grader's score of it.
SELECT
    grader,
    count() AS labels,
    countIf(passed AND good) AS both_good,
    countIf(NOT passed AND NOT good) AS both_bad,
    countIf(passed AND NOT good) AS missed,
    countIf(NOT passed AND good) AS too_strict,
    (both_good + both_bad) / labels AS agreement,
    (
        (both_good + missed) * (both_good + too_strict) + (both_bad + missed) * (both_bad + too_strict)
    ) / (labels * labels) AS by_chance,
    if(by_chance = 1, NULL, (agreement - by_chance) / (1 - by_chance)) AS kappa
FROM {{scored}} AS graded
INNER JOIN (
    SELECT tenant_id, session_id, assumeNotNull(labels.passed) AS good
    FROM labels
    WHERE $__timeFilter(occurred_at) AND NOT skipped AND labels.passed IS NOT NULL AND {{whose}}
    ORDER BY given_at DESC
    LIMIT 1 BY tenant_id, session_id, given_by
) AS said USING (tenant_id, session_id)
WHERE passed IS NOT NULL
GROUP BY grader
ORDER BY grader
LIMIT 100
