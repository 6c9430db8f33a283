"""The queries about labels and the scores beside them. All are constant; what is asked for is bound.

Moments are microseconds since 1970. None uses `FINAL`: rows that were written twice are told apart by their ids.
"""

from __future__ import annotations

from typing import Final

from watchkeeper.schemas.scores import INPUTS_GRADER

_ABOUT: Final = """({tenant:String} = '' OR tenant_id = {tenant:String})
    AND ({agent:String} = '' OR agent_id = {agent:String})
    AND occurred_at >= fromUnixTimestamp64Micro({since:Int64}, 'UTC')
    AND occurred_at < fromUnixTimestamp64Micro({until:Int64}, 'UTC')"""

LABELS: Final = f"""
SELECT * EXCEPT stored_at
FROM labels
WHERE {_ABOUT}
ORDER BY given_at, label_id, stored_at DESC
LIMIT 1 BY tenant_id, session_id, label_id
"""  # noqa: S608 - put together from constants

# What is said of a whole window of sessions is of none of them.
SCORES: Final = f"""
SELECT * EXCEPT stored_at
FROM scores
WHERE {_ABOUT}
    AND source = 'live'
    AND NOT startsWith(grader, '{INPUTS_GRADER}@')
    AND ({{grader:String}} = '' OR grader = {{grader:String}} OR startsWith(grader, concat({{grader:String}}, '@')))
    AND ({{origin:String}} = '' OR origin = {{origin:String}})
ORDER BY graded_at, score_id, stored_at DESC
LIMIT 1 BY tenant_id, source, agent_id, score_id
LIMIT {{limit:UInt32}}
"""  # noqa: S608 - put together from constants

DRAWS: Final = """
SELECT * EXCEPT stored_at
FROM label_draws
WHERE ({tenant:String} = '' OR tenant_id = {tenant:String})
    AND ({agent:String} = '' OR agent_id = {agent:String} OR agent_id = '')
    AND since < fromUnixTimestamp64Micro({until:Int64}, 'UTC')
    AND until > fromUnixTimestamp64Micro({since:Int64}, 'UTC')
ORDER BY drawn_at, draw_id, position, stored_at DESC
LIMIT 1 BY tenant_id, draw_id, position
"""

# By the bloom index on session_id. A session that moved to another partition has a row in each: the latest holds.
SESSIONS: Final = """
SELECT
    session_id,
    argMax(sessions.origin, (last_event_at, version)) AS origin,
    argMax(sessions.agent_id, (last_event_at, version)) AS agent_id,
    argMax(sessions.agent_version, (last_event_at, version)) AS agent_version,
    argMax(sessions.model, (last_event_at, version)) AS model,
    argMax(sessions.intent, (last_event_at, version)) AS intent,
    argMax(sessions.environment, (last_event_at, version)) AS environment,
    argMax(sessions.retention_class, (last_event_at, version)) AS retention_class,
    max(last_event_at) AS ended_at
FROM sessions
WHERE tenant_id = {tenant:String} AND session_id IN {sessions:Array(String)}
GROUP BY session_id
"""
