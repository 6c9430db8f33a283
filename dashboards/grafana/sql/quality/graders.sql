SELECT
    grader,
    scored,
    if(scored = 0, NULL, mean) AS mean_score,
    if(scored = 0, NULL, centre - half) AS low,
    if(scored = 0, NULL, centre + half) AS high,
    if(judged = 0, NULL, good / judged) AS passed,
    failures,
    spend
FROM (
    SELECT
        grader,
        countIf(weight > 0) AS scored,
        sumIf(weight, passed) AS good,
        sumIf(weight, passed IS NOT NULL) AS judged,
        countIf(result_type = 'failure') AS failures,
        sum(cost_usd) AS spend,
        {{mean}}
    FROM {{scored}}
    GROUP BY grader
)
ORDER BY grader
LIMIT 100
