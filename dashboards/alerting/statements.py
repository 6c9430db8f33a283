"""What the ledger asks ClickHouse. All is bound as parameters; moments are microseconds since 1970."""

from __future__ import annotations

from typing import Final

# Those that go on, and those that ended so lately that what comes now may belong to them.
ALERTS: Final = """
SELECT state
FROM alerts FINAL
WHERE status IN ('open', 'acked') OR ended_at >= fromUnixTimestamp64Micro({since:Int64}, 'UTC')
    OR opened_at >= fromUnixTimestamp64Micro({since:Int64}, 'UTC') OR position(state, '"notice_id"') > 0
"""

# A decision is kept after its findings were: what was numbered counts, whatever the alert's own row says.
COUNTS: Final = """
SELECT alert_id, max(ordinal) AS findings, countIf(status = 'open') AS open_findings
FROM alert_findings FINAL
WHERE alert_id IN {alerts:Array(String)}
GROUP BY alert_id
"""

TREES: Final = """
SELECT DISTINCT tree, alert_id
FROM alert_findings FINAL
WHERE alert_id IN {alerts:Array(String)} AND tree != ''
"""

# By primary key.
KNOWN: Final = """
SELECT tenant_id, finding_id, alert_id, place, ordinal, revision, status, why
FROM alert_findings FINAL
WHERE (tenant_id, finding_id) IN {findings:Array(Tuple(String, String))}
"""

# By primary key.
KEPT: Final = "SELECT DISTINCT alert_id FROM alerts WHERE alert_id IN {alerts:Array(String)}"

FINDING_COLUMNS: Final = """
    tenant_id, finding_id, revision, status, alert_id, place, ordinal, why, tree, failure_mode, kind, severity,
    agent_id, session_id, subject, summary, evidence, runbook, first_event_at, detected_at, heard_at, version
"""

# By the bloom index on alert_id.
SPAN: Final = f"""
SELECT {FINDING_COLUMNS}
FROM alert_findings FINAL
WHERE alert_id = {{alert:String}} AND ordinal > {{after:UInt64}} AND ordinal <= {{upto:UInt64}}
ORDER BY ordinal
LIMIT {{limit:UInt32}}
"""  # noqa: S608 - put together from constants

# By the bloom index on alert_id.
IDS: Final = """
SELECT finding_id
FROM alert_findings FINAL
WHERE alert_id = {alert:String} AND ordinal > {after:UInt64} AND ordinal <= {upto:UInt64}
ORDER BY ordinal
LIMIT {limit:UInt32}
"""

BY_GROUP: Final = """
SELECT failure_mode, agent_id, severity, count() AS findings
FROM alert_findings FINAL
WHERE alert_id = {alert:String} AND ordinal > {after:UInt64} AND ordinal <= {upto:UInt64}
GROUP BY failure_mode, agent_id, severity
ORDER BY findings DESC, failure_mode, agent_id
"""

# By the bloom index on alert_id.
ONE: Final = f"""
SELECT {FINDING_COLUMNS}
FROM alert_findings FINAL
WHERE alert_id = {{alert:String}} AND finding_id = {{finding:String}}
LIMIT 1
"""  # noqa: S608 - put together from constants

LIST: Final = """
SELECT
    tenant_id, alert_id, sort, status, severity, failure_mode, agent_id, lead, title, since, opened_at, updated_at,
    ended_at, acked_by, reason, findings, open_findings, delivered, dead
FROM alerts FINAL
WHERE updated_at >= fromUnixTimestamp64Micro({since:Int64}, 'UTC')
    AND opened_at < fromUnixTimestamp64Micro({until:Int64}, 'UTC')
    AND ({tenant:String} = '' OR tenant_id = {tenant:String})
    AND ({agent:String} = '' OR agent_id = {agent:String})
    AND ({status:String} = '' OR status = {status:String})
ORDER BY updated_at DESC, alert_id
LIMIT {limit:UInt32}
"""

SHOW: Final = """
SELECT
    tenant_id, alert_id, sort, status, severity, failure_mode, agent_id, lead, title, since, opened_at, updated_at,
    ended_at, acked_by, reason, findings, open_findings, delivered, dead, state
FROM alerts FINAL
WHERE startsWith(alert_id, {alert:String})
ORDER BY alert_id
LIMIT 2
"""

# By primary key.
NOTICES: Final = """
SELECT
    alert_id, notice_id, channel, kind, state, severity, after, upto, attempts, answer, title, text, made_at, tried_at
FROM alert_notices FINAL
WHERE alert_id = {alert:String}
ORDER BY made_at, channel
"""

PLACES: Final = """
SELECT place, why, count() AS findings
FROM alert_findings FINAL
WHERE heard_at >= fromUnixTimestamp64Micro({since:Int64}, 'UTC')
    AND heard_at < fromUnixTimestamp64Micro({until:Int64}, 'UTC')
    AND ({tenant:String} = '' OR tenant_id = {tenant:String})
    AND ({agent:String} = '' OR agent_id = {agent:String})
    AND place != 'alert'
GROUP BY place, why
ORDER BY findings DESC, place, why
LIMIT 50
"""

# Of a day, by channel: what it took and what was given up.
SENT: Final = """
SELECT
    channel,
    countIf(state = 'delivered') AS delivered,
    countIf(state = 'dead') AS given_up,
    maxIf(tried_at, state = 'dead') AS last_at,
    ifNull(argMaxIf(answer, tried_at, state = 'dead'), '') AS said,
    ifNull(maxIf(tried_at, state = 'delivered') > last_at, 0) AS works_again
FROM alert_notices FINAL
WHERE tried_at >= now64(6, 'UTC') - toIntervalDay(1)
GROUP BY channel
ORDER BY channel
"""

# A worker stores a finding when it publishes it, and a router hears it within a second; a minute is left for both.
# Where no router ever ran, none is missed. By the index on stored_at, and by primary key.
UNHEARD: Final = """
WITH new AS (
    SELECT DISTINCT tenant_id, finding_id
    FROM findings
    WHERE stored_at >= now64(3) - toIntervalMinute(15) AND stored_at < now64(3) - toIntervalMinute(1)
)
SELECT count() AS findings
FROM new
WHERE (tenant_id, finding_id) NOT IN (
        SELECT tenant_id, finding_id FROM alert_findings WHERE (tenant_id, finding_id) IN (SELECT * FROM new)
    )
    AND (SELECT count() FROM (SELECT 1 FROM alert_findings LIMIT 1)) > 0
"""
