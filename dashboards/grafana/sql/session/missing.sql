-- Numbers begin at 0 with each writer and leave none out: what is missing was lost, or is late.
SELECT sum(missing) AS missing
FROM (
    SELECT max(seq) + 1 - uniqExact(seq) AS missing
    FROM events
    WHERE {{this}} AND {{during:occurred_at}}
    GROUP BY tenant_id, writer_id
)
HAVING count() > 0
