"""The scheduler's queries. All are constant; what is asked for is bound, moments as microseconds since 1970."""

from __future__ import annotations

from typing import Final

_LATEST: Final = "(last_event_at, version)"
_KEPT: Final = ("agent_id", "agent_version", "intent", "origin", "status", "cost_usd", "unpriced_requests")
_SESSION: Final = ",\n        ".join(f"argMax(sessions.{name}, {_LATEST}) AS {name}" for name in _KEPT)
_SINCE: Final = "stored_at >= fromUnixTimestamp64Micro({since:Int64}, 'UTC')"

# A session's latest row was stored last: rows before `since` need not be looked at. What was decided once is left out,
# whenever that was; the ledger is asked by its key.
CANDIDATES: Final = f"""
SELECT *
FROM (
    SELECT
        tenant_id,
        session_id,
        {_SESSION},
        min(sessions.started_at) AS started_at,
        max(sessions.last_event_at) AS ended_at,
        max(sessions.stored_at) AS stored
    FROM sessions
    WHERE {_SINCE}
    GROUP BY tenant_id, session_id
)
WHERE status != 'open'
    AND stored < fromUnixTimestamp64Micro({{settled:Int64}}, 'UTC')
    AND origin IN {{origins:Array(String)}}
    AND (tenant_id, session_id) NOT IN (
        SELECT tenant_id, session_id
        FROM eval_samples
        WHERE (tenant_id, session_id) IN (SELECT tenant_id, session_id FROM sessions WHERE {_SINCE})
    )
ORDER BY stored, tenant_id, session_id
LIMIT {{limit:UInt32}}
"""  # noqa: S608 - put together from constants

# By primary key.
SIGNS: Final = """
SELECT
    tenant_id,
    session_id,
    countIf(type = 'approval') > 0 AS approved,
    groupUniqArrayIf(50)(tool_name, type = 'tool_call') AS tools,
    groupUniqArrayIf(20)(JSONExtractString(data, 'child_agent_id'), type = 'delegation') AS children,
    countIf(type = 'response' AND JSONExtractBool(data, 'abstained')) > 0 AS abstained,
    groupArrayIf(50)(
        (
            JSONExtractString(data, 'name'),
            JSONExtractString(data, 'kind'),
            JSONExtract(data, 'value', 'Nullable(Float64)'),
            JSONExtractString(data, 'label')
        ),
        type = 'outcome'
    ) AS outcomes
FROM events
WHERE tenant_id IN {tenants:Array(String)} AND session_id IN {sessions:Array(String)}
    AND occurred_at >= fromUnixTimestamp64Micro({since:Int64}, 'UTC')
    AND occurred_at < fromUnixTimestamp64Micro({until:Int64}, 'UTC')
    AND type IN ('approval', 'tool_call', 'delegation', 'response', 'outcome')
GROUP BY tenant_id, session_id
"""

_SAMPLE: Final = (
    *("agent_id", "agent_version", "intent", "origin", "ended_at", "decided_at", "graded_at", "stratum", "place"),
    *("inclusion", "kept", "state", "attempts", "scores", "cost_usd", "note"),
)
# A tuple keeps what is NULL; argMax alone would look for the latest row in which it is not.
_SAMPLE_LATEST: Final = ",\n    ".join(
    f"argMax(tuple(eval_samples.{name}), eval_samples.version).1 AS {name}" for name in _SAMPLE
)

# Most rows were passed over, and never change: they are left out before anything is grouped.
PENDING: Final = f"""
SELECT tenant_id, session_id, {_SAMPLE_LATEST}, max(eval_samples.version) AS version
FROM eval_samples
WHERE eval_samples.decided_at >= fromUnixTimestamp64Micro({{since:Int64}}, 'UTC')
    AND eval_samples.state NOT IN ('passed_over', 'cut')
GROUP BY tenant_id, session_id
HAVING state = 'drawn'
ORDER BY decided_at, tenant_id, session_id
LIMIT {{limit:UInt32}}
"""  # noqa: S608 - put together from constants

# What was passed over or cut has one row, and is most of all; the others have one for each thing that became of them.
_DECIDED: Final = """eval_samples.decided_at >= fromUnixTimestamp64Micro({since:Int64}, 'UTC')
        AND eval_samples.decided_at < fromUnixTimestamp64Micro({until:Int64}, 'UTC')"""
TALLY: Final = f"""
SELECT state, stratum, count() AS sessions, sum(scores) AS scores
FROM (
    SELECT
        argMax(eval_samples.state, version) AS state,
        argMax(eval_samples.stratum, version) AS stratum,
        argMax(eval_samples.scores, version) AS scores
    FROM eval_samples
    WHERE {_DECIDED} AND eval_samples.state NOT IN ('passed_over', 'cut')
    GROUP BY tenant_id, session_id
)
GROUP BY state, stratum
UNION ALL
SELECT state, stratum, count() AS sessions, toUInt64(0) AS scores
FROM eval_samples
WHERE {_DECIDED} AND state IN ('passed_over', 'cut')
GROUP BY state, stratum
"""  # noqa: S608 - put together from constants

# What was graded in a span of time may have been decided days before.
COST: Final = """
SELECT count() AS sessions, sum(ifNull(cost, 0)) AS usd
FROM (
    SELECT argMax(tuple(eval_samples.cost_usd), version).1 AS cost
    FROM eval_samples
    WHERE decided_at >= fromUnixTimestamp64Micro({decided:Int64}, 'UTC')
        AND graded_at >= fromUnixTimestamp64Micro({since:Int64}, 'UTC')
        AND graded_at < fromUnixTimestamp64Micro({until:Int64}, 'UTC')
    GROUP BY tenant_id, session_id
)
"""

CLAIM: Final = "scheduler:"
"""Rows of `eval_jobs` that begin so are no jobs, but claims of schedulers to be the one that works."""

JOBS: Final = f"SELECT * EXCEPT stored_at FROM eval_jobs FINAL WHERE NOT startsWith(job, '{CLAIM}') ORDER BY job"  # noqa: S608 - of constants

# A claim's sign is as old as the store says, whatever the claimants' clocks do.
CLAIMS: Final = f"""
SELECT substring(job, {len(CLAIM) + 1}) AS name, watermark AS claimed_at, scheduler AS process
FROM eval_jobs FINAL
WHERE startsWith(job, '{CLAIM}')
    AND state = 'running'
    AND watermark IS NOT NULL
    AND stored_at > now64(3) - INTERVAL {{seconds:UInt32}} SECOND
"""  # noqa: S608 - put together from constants

# Sessions by the index on `stored_at`, events by the days in which they happened.
VERSIONS: Final = f"""
SELECT DISTINCT tenant_id, agent_id, kind, value
FROM (
    SELECT tenant_id, agent_id, 'agent' AS kind, toString(agent_version) AS value
    FROM sessions
    WHERE {_SINCE} AND origin != 'import'
    UNION ALL
    SELECT tenant_id, agent_id, 'model' AS kind, toString(model) AS value
    FROM sessions
    WHERE {_SINCE} AND origin != 'import'
    UNION ALL
    SELECT tenant_id, agent_id, 'prompt' AS kind, JSONExtractString(data, 'prompt_version') AS value
    FROM events
    WHERE {_SINCE}
        AND occurred_at >= fromUnixTimestamp64Micro({{began:Int64}}, 'UTC')
        AND type IN ('session_started', 'prompt')
        AND origin != 'import'
)
WHERE value != '' AND agent_id != ''
"""  # noqa: S608 - put together from constants

KNOWN_VERSIONS: Final = """
SELECT tenant_id, agent_id, kind, value, min(first_seen_at) AS first_seen_at
FROM eval_versions
GROUP BY tenant_id, agent_id, kind, value
"""

_RUN: Final = "SELECT * EXCEPT stored_at FROM eval_runs FINAL"
LAST_RUN: Final = f"{_RUN} WHERE job = {{job:String}} ORDER BY started_at DESC, run_id LIMIT 1"
GOOD_RUNS: Final = f"""
SELECT * EXCEPT (latest, earliest)
FROM (
    SELECT
        *,
        row_number() OVER (ORDER BY started_at DESC, run_id) AS latest,
        row_number() OVER (ORDER BY started_at, run_id) AS earliest
    FROM (
        {_RUN}
        WHERE job = {{job:String}} AND suite = {{suite:String}} AND graders = {{graders:String}} AND state = 'done'
    )
)
WHERE latest = 1 OR earliest = 1
ORDER BY latest
"""  # noqa: S608 - put together from constants
RECENT_RUNS: Final = f"{_RUN} ORDER BY started_at DESC, run_id LIMIT {{limit:UInt32}}"

# By primary key.
CASES: Final = "SELECT * EXCEPT stored_at FROM eval_cases FINAL WHERE run_id = {run:String} ORDER BY case_id"

# Decided sessions by when they ended: decided later than that, and not much later.
_ENDED: Final = """ended_at >= fromUnixTimestamp64Micro({since:Int64}, 'UTC')
    AND ended_at < fromUnixTimestamp64Micro({until:Int64}, 'UTC')
    AND decided_at >= fromUnixTimestamp64Micro({since:Int64}, 'UTC')"""
AGENTS_OF_DAY: Final = f"""
SELECT tenant_id, agent_id, origin
FROM eval_samples
WHERE {_ENDED} AND agent_id != ''
GROUP BY tenant_id, agent_id, origin
HAVING uniqExact(session_id) >= {{least:UInt32}}
ORDER BY tenant_id, agent_id, origin
"""  # noqa: S608 - put together from constants
SESSIONS_BY_PLACE: Final = f"""
SELECT DISTINCT session_id, place
FROM eval_samples
WHERE tenant_id = {{tenant:String}} AND agent_id = {{agent:String}} AND origin = {{origin:String}} AND {_ENDED}
ORDER BY place, session_id
LIMIT {{limit:UInt32}}
"""  # noqa: S608 - put together from constants
