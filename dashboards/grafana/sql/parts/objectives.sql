-- What stage 2 counts of each objective of each agent's policy: events and bad ones, by the buckets of its windows. The
-- objective's name is `rate/step/threshold/target/`, of an outcome with what is good at its end.
(
    SELECT
        tenant_id,
        agent,
        JSONExtractString(one.2, 'rate') AS rate,
        JSONExtractString(one.2, 'of') AS of,
        splitByChar('/', substring(one.1, length(rate) + 2)) AS named,
        toFloat64OrZero(if(of = 'outcome', named[3], named[-2])) AS target,
        JSONExtract(one.2, 'burn', 'counts', 'Array(Map(String, Array(Float64)))') AS counts,
        JSONExtract(one.2, 'days', 'Map(String, Array(Float64))') AS days,
        JSONExtractKeys(one.2, 'burn', 'open') AS burning
    FROM (
        SELECT
            tenant_id,
            arrayStringConcat(arraySlice(splitByChar('/', subject), 3), '/') AS agent,
            arrayJoin(JSONExtractKeysAndValuesRaw(held, 's', 'folds', 'objective_burn', 2, 'tracked')) AS one
        FROM (
            SELECT tenant_id, subject, argMax(state, (stored_at, version)) AS held
            FROM subjects
            WHERE subject LIKE 'agent:%' AND stored_at >= $__fromTime
                AND $__conditionalAll(tenant_id IN (${tenant:singlequote}), $tenant)
                AND $__conditionalAll(origin IN (${origin:singlequote}), $origin)
            GROUP BY tenant_id, subject
        )
    )
    WHERE $__conditionalAll(agent IN (${agent:singlequote}), $agent)
)
