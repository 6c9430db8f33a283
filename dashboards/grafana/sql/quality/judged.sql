-- What people said of findings: the latest that says true or false holds; a mute says neither.
SELECT
    mode,
    right,
    wrong,
    right / n AS precision,
    (precision + 1.9208 / n) / (1 + 3.8416 / n) AS centre,
    1.96 * sqrt((precision * (1 - precision) + 0.9604 / n) / n) / (1 + 3.8416 / n) AS half,
    centre - half AS low,
    centre + half AS high
FROM (
    SELECT mode, countIf(judged = 'ack') AS right, countIf(judged = 'wrong') AS wrong, right + wrong AS n
    FROM (
        SELECT
            argMax(failure_mode, (given_at, verdict_id)) AS mode,
            argMaxIf(verdict, (given_at, verdict_id), verdict != 'mute') AS judged
        FROM verdicts
        WHERE $__timeFilter(given_at)
            AND $__conditionalAll(tenant_id IN (${tenant:singlequote}), $tenant)
            AND $__conditionalAll(agent_id IN (${agent:singlequote}), $agent)
        GROUP BY tenant_id, finding_id
    )
    GROUP BY mode
    HAVING n > 0
)
ORDER BY right + wrong DESC, mode
