SELECT
    writer_id AS writer,
    uniqExact(seq) AS events,
    max(seq) + 1 - uniqExact(seq) AS missing,
    uniqExact(seq, digest) - uniqExact(seq) AS conflicting,
    uniqExactIf(seq, late) AS late,
    min(occurred_at) AS first,
    max(occurred_at) AS last
FROM events
WHERE {{this}} AND {{during:occurred_at}}
GROUP BY tenant_id, writer_id
ORDER BY first, writer
LIMIT 100
