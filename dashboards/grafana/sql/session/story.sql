-- What happened, in order, with what was found in its place. By key: a session is narrow.
WITH (SELECT min(started_at) FROM sessions WHERE {{this}}) AS began
SELECT
    at,
    dateDiff('millisecond', began, at) / 1e3 AS since,
    what,
    name,
    severity,
    substring(detail, 1, 400) AS detail,
    took,
    cost,
    sum(ifNull(cost, 0)) OVER (ORDER BY at, place, writer_id, seq ROWS UNBOUNDED PRECEDING) AS spent,
    late
FROM (
    SELECT
        occurred_at AS at,
        0 AS place,
        writer_id,
        seq,
        toString(type) AS what,
        multiIf(
            tool_name != '', toString(tool_name),
            model != '', toString(model),
            type IN ('decision', 'outcome'), JSONExtractString(data, 'name'),
            type = 'retrieval', JSONExtractString(data, 'source'),
            type = 'delegation', JSONExtractString(data, 'child_agent_id'),
            ''
        ) AS name,
        '' AS severity,
        multiIf(
            type = 'session_started', JSONExtractString(data, 'goal', 'text'),
            type = 'prompt', concat(
                toString(JSONLength(data, 'messages')), ' messages; the last: ',
                JSONExtractString(data, 'messages', -1, 'content', 'text')
            ),
            type = 'reasoning', JSONExtractString(data, 'text', 'text'),
            type = 'tool_call', if(
                JSONHas(data, 'arguments_content', 'text'),
                JSONExtractString(data, 'arguments_content', 'text'), JSONExtractRaw(data, 'arguments')
            ),
            type = 'tool_result', concat(
                if(JSONExtractString(data, 'status') = '', 'ok', JSONExtractString(data, 'status')), ' ',
                JSONExtractString(data, 'error_type'), ' ', JSONExtractString(data, 'result', 'text')
            ),
            type = 'retrieval', concat(
                JSONExtractString(data, 'phase'), ', ', toString(JSONLength(data, 'documents')), ' documents'
            ),
            type = 'decision', concat(
                JSONExtractRaw(data, 'outcome'), ' of ', JSONExtractRaw(data, 'facts'), ' ',
                JSONExtractString(data, 'reason', 'text')
            ),
            type = 'delegation', JSONExtractString(data, 'child_session_id'),
            type = 'approval', concat(
                JSONExtractString(data, 'status'), ' ', JSONExtractString(data, 'action'), ' ',
                JSONExtractString(data, 'approver')
            ),
            type = 'checkpoint', JSONExtractRaw(data, 'values'),
            type = 'response', concat(
                if(JSONExtractBool(data, 'abstained'), 'abstained ', ''), JSONExtractString(data, 'error_type'), ' ',
                JSONExtractString(data, 'text', 'text')
            ),
            type = 'outcome', concat(JSONExtractString(data, 'label'), ' ', JSONExtractRaw(data, 'value')),
            type = 'session_ended', concat(
                if(JSONExtractString(data, 'status') = '', 'completed', JSONExtractString(data, 'status')), ' ',
                JSONExtractString(data, 'reason')
            ),
            ''
        ) AS detail,
        if(JSONHas(data, 'duration_us'), JSONExtractUInt(data, 'duration_us') / 1e6, NULL) AS took,
        toFloat64(cost_usd) AS cost,
        late
    FROM {{told:occurred_at, type, writer_id, seq, tool_name, model, data, cost_usd, late}}
    WHERE type != 'content'
    UNION ALL
    SELECT
        last_event_at AS at,
        1 AS place,
        '' AS writer_id,
        toUInt64(revision) AS seq,
        'finding' AS what,
        toString(failure_mode) AS name,
        toString(severity) AS severity,
        summary AS detail,
        NULL AS took,
        NULL AS cost,
        false AS late
    FROM {{of_session}}
)
ORDER BY at, place, writer_id, seq
LIMIT 2000
