SELECT time, one.1 AS name, one.2 AS score
FROM (
    SELECT {{time}} AS time, grader, {{mean}}
    FROM {{scored}}
    WHERE weight > 0
    GROUP BY time, grader
)
ARRAY JOIN [(grader, mean), (concat(grader, ' low'), centre - half), (concat(grader, ' high'), centre + half)] AS one
ORDER BY time, name
