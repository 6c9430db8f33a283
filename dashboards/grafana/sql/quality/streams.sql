-- What stage 2 holds of each stream now. `evidence` 1 is an alarm of one stream alone; of several less will do.
SELECT
    agent,
    one.1 AS stream,
    multiIf(
        JSONExtractString(one.2, 'refused') != '', 'cannot be watched',
        JSONExtractBool(one.2, 'told'), 'told',
        JSONLength(one.2, 'baseline') = 0, 'gathering',
        'watching'
    ) AS state,
    if(JSONLength(watch) = 0, NULL, arrayAvg(JSONExtract(watch, 'held', 'Array(Float64)'))
        * JSONExtractFloat(watch, 'block') * (1 - JSONExtractFloat(watch, 'error'))
        / JSONExtractFloat(watch, 'promise')) AS evidence,
    if(JSONLength(baseline) = 0, NULL, JSONExtractFloat(baseline, 'mean')) AS baseline_mean,
    multiIf(
        JSONLength(watch) = 0, NULL,
        JSONExtractString(watch, 'direction') = 'fall', JSONExtractFloat(watch, 'limit'),
        1 - JSONExtractFloat(watch, 'limit')
    ) AS held_against,
    if(JSONLength(watch) = 0, NULL, JSONExtractUInt(watch, 'scores')) AS scores_since,
    if(
        JSONLength(baseline) = 0, intDiv(length(JSONExtractString(one.2, 'packed')), 7),
        JSONExtractUInt(baseline, 'scores')
    ) AS scores_of_baseline,
    tenant_id AS tenant
FROM (
    SELECT
        tenant_id,
        arrayStringConcat(arraySlice(splitByChar('/', subject), 3), '/') AS agent,
        arrayJoin(JSONExtractKeysAndValuesRaw(held, 's', 'folds', 'quality_drift', 2, 'streams')) AS one,
        JSONExtractRaw(one.2, 'watch') AS watch,
        JSONExtractRaw(one.2, 'baseline') AS baseline
    FROM (
        SELECT tenant_id, subject, argMax(state, version) AS held
        FROM subjects
        WHERE subject LIKE 'quality:%' AND stored_at >= $__fromTime
            AND $__conditionalAll(tenant_id IN (${tenant:singlequote}), $tenant)
            AND $__conditionalAll(origin IN (${origin:singlequote}), $origin)
        GROUP BY tenant_id, subject
    )
)
WHERE $__conditionalAll(agent IN (${agent:singlequote}), $agent)
ORDER BY evidence DESC NULLS LAST, agent, stream
LIMIT 200
