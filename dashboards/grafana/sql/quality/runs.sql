SELECT
    started_at AS began,
    suite,
    target,
    agent_id AS agent,
    trigger,
    state,
    mean,
    done,
    total,
    failures,
    dateDiff('second', started_at, ended_at) AS lasted,
    note
FROM {{runs}}
ORDER BY began DESC, run_id
LIMIT 100
