-- Sessions that were drawn, each as it stands now; those that were passed over are most of all, and are left out.
SELECT
    stratum,
    count() AS drawn,
    countIf(state = 'scored') AS scored,
    countIf(state = 'drawn') AS waiting,
    countIf(state = 'cut') AS cut,
    countIf(state = 'unreadable') AS unreadable,
    sum(cost) AS spend
FROM (
    SELECT latest.1 AS stratum, latest.2 AS state, latest.3 AS cost
    FROM (
        SELECT argMax((stratum, state, ifNull(cost_usd, 0)), version) AS latest
        FROM eval_samples
        WHERE $__timeFilter(decided_at) AND state != 'passed_over' AND {{whose}} AND {{intent}}
        GROUP BY tenant_id, session_id
    )
)
GROUP BY stratum
ORDER BY drawn DESC, stratum
