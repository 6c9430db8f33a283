-- Scores of sessions that ended in the range, each as graded last. A session that was drawn more often than others
-- weighs less; what no grader could say weighs nothing.
(
    SELECT
        tenant_id,
        latest.1 AS session_id,
        latest.2 AS grader,
        latest.3 AS intent,
        latest.4 AS agent_version,
        latest.5 AS model,
        latest.6 AS prompt_version,
        latest.7 AS at,
        latest.8 AS result_type,
        latest.9 AS passed,
        latest.10 AS value,
        latest.11 AS cost_usd,
        if(value IS NULL, 0, 1 / latest.12) AS weight
    FROM (
        SELECT
            tenant_id,
            score_id,
            argMax((
                session_id, grader, intent, agent_version, model, prompt_version, occurred_at, result_type, passed,
                value, ifNull(cost_usd, 0), inclusion
            ), graded_at) AS latest
        FROM scores
        WHERE source = 'live' AND $__timeFilter(occurred_at) AND {{whose}} AND {{intent}}
            AND $__conditionalAll(grader IN (${grader:singlequote}), $grader)
        GROUP BY tenant_id, score_id
    )
)
