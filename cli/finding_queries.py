"""The statements about findings and what people said of them; see `queries`."""

from __future__ import annotations

from typing import Final

from watchkeeper.schemas.verdicts import ABOUT_FIELDS

# A finding told twice falls into one partition. Without being told so, ClickHouse (since 26.3) looks for it in all of
# them, whatever the time bounds.
ONE_PARTITION: Final = "SETTINGS do_not_merge_across_partitions_select_final = 1"

FINDING_COLUMNS: Final = """
    tenant_id, finding_id, revision, status, session_id, root_session_id, subject, agent_id, agent_version,
    environment, origin, user_id, customer_id, failure_mode, kind, severity, rule_id, rule_version, rule_stage,
    summary, evidence, first_event_id, last_event_id, first_event_at, last_event_at, detected_at, policy_address,
    runbook, stored_at
"""

# What a finding is about within its rule, agent and kind, whichever session it was found in: by it people mute.
ABOUT: Final = """arrayStringConcat(arrayFilter(part -> part != '', [
    {}
]), ' ')""".format(
    ",\n    ".join(
        f"if(JSONExtractString(evidence, '{name}') = '', '', concat('{name}=', JSONExtractString(evidence, '{name}')))"
        for name in ABOUT_FIELDS
    )
)

_HOLDS: Final = """
    SELECT
        tenant_id,
        finding_id,
        argMax(verdict, (given_at, verdict_id)) AS verdict,
        argMax(verdicts.reason, (given_at, verdict_id)) AS verdict_reason,
        argMax(given_by, (given_at, verdict_id)) AS verdict_by,
        max(given_at) AS verdict_at,
        argMax(ifNull(muted_until, toDateTime64(0, 6, 'UTC')), (given_at, verdict_id)) AS muted_until,
        argMax((rule_id, agent_id, kind, about), (given_at, verdict_id)) AS mutes
    FROM verdicts
    GROUP BY tenant_id, finding_id
"""
"""The verdict that holds on each finding: the latest. They come from people, so they are few."""

MUTED: Final = f"""
    SELECT tenant_id, mutes.1, mutes.2, mutes.3, mutes.4
    FROM ({_HOLDS})
    WHERE verdict = 'mute' AND muted_until > now64(6, 'UTC')
"""  # noqa: S608 - put together from constants

MUTES: Final = f"""
SELECT tenant_id, mutes.1 AS rule_id, mutes.2 AS agent_id, mutes.3 AS kind, mutes.4 AS about, muted_until, verdict_by,
    verdict_reason
FROM ({_HOLDS})
WHERE verdict = 'mute' AND muted_until > now64(6, 'UTC')
ORDER BY muted_until
"""  # noqa: S608 - put together from constants

VERDICT_COLUMNS: Final = "verdict, verdict_reason, verdict_by, verdict_at, muted_until"

WITH_VERDICT: Final = f"LEFT JOIN ({_HOLDS}) AS held USING (tenant_id, finding_id)"

# By the days of the session, and the bloom index on session_id.
FINDINGS_OF_SESSION: Final = f"""
SELECT {FINDING_COLUMNS}, {VERDICT_COLUMNS}
FROM findings FINAL
{WITH_VERDICT}
WHERE tenant_id = {{tenant:String}} AND session_id = {{session:String}}
    AND first_event_at >= fromUnixTimestamp64Micro({{since:Int64}}, 'UTC')
    AND first_event_at < fromUnixTimestamp64Micro({{until:Int64}}, 'UTC')
ORDER BY last_event_at, detected_at, finding_id
LIMIT 10000
{ONE_PARTITION}
"""  # noqa: S608 - put together from constants

# Recordings are found today and happened years ago, so the time of finding bounds no partition by itself. What was
# stored since then stands in parts that were written since then, and their partitions are the days to look at.
FINDING_DAYS: Final = """
SELECT DISTINCT partition
FROM system.parts
WHERE database = currentDatabase() AND table = 'findings' AND active
    AND modification_time >= toDateTime(fromUnixTimestamp64Micro({stored_since:Int64}, 'UTC')) - INTERVAL 1 HOUR
ORDER BY partition
"""

FINDINGS: Final = f"""
SELECT {FINDING_COLUMNS}, {VERDICT_COLUMNS}
FROM findings FINAL
{WITH_VERDICT}
WHERE toYYYYMMDD(first_event_at) IN {{days:Array(UInt32)}}
    AND detected_at >= fromUnixTimestamp64Micro({{since:Int64}}, 'UTC')
    AND detected_at < fromUnixTimestamp64Micro({{until:Int64}}, 'UTC')
    AND stored_at >= fromUnixTimestamp64Micro({{stored_since:Int64}}, 'UTC')
    AND ({{tenant:String}} = '' OR tenant_id = {{tenant:String}})
    AND ({{mode:String}} = '' OR failure_mode = {{mode:String}})
    AND ({{kind:String}} = '' OR kind = {{kind:String}})
    AND (empty({{severities:Array(String)}}) OR severity IN {{severities:Array(String)}})
    AND ({{agent:String}} = '' OR agent_id = {{agent:String}})
    AND ({{session:String}} = '' OR session_id = {{session:String}})
    AND ({{origin:String}} = '' OR origin = {{origin:String}})
    AND ({{status:String}} = '' OR status = {{status:String}})
    AND ({{verdict:String}} = '' OR verdict = if({{verdict:String}} = 'none', '', {{verdict:String}}))
    AND ({{muted:UInt8}} OR (tenant_id, rule_id, agent_id, kind, {ABOUT}) NOT IN ({MUTED}))
    AND (
        {{after_finding:String}} = ''
        OR (stored_at, detected_at) < (
            fromUnixTimestamp64Micro({{after_stored:Int64}}, 'UTC'),
            fromUnixTimestamp64Micro({{after_detected:Int64}}, 'UTC')
        )
        OR (
            stored_at = fromUnixTimestamp64Micro({{after_stored:Int64}}, 'UTC')
            AND detected_at = fromUnixTimestamp64Micro({{after_detected:Int64}}, 'UTC')
            AND finding_id > {{after_finding:String}}
        )
    )
ORDER BY stored_at DESC, detected_at DESC, finding_id
LIMIT {{limit:UInt32}}
{ONE_PARTITION}
"""  # noqa: S608 - put together from constants

# The key begins with the tenant, of which there are few: their granules are skipped by its second part.
FINDING: Final = f"""
SELECT
    {FINDING_COLUMNS},
    {VERDICT_COLUMNS},
    {ABOUT} AS about,
    (tenant_id, rule_id, agent_id, kind, {ABOUT}) IN ({MUTED}) AS is_muted
FROM findings FINAL
{WITH_VERDICT}
WHERE finding_id = {{finding:String}} AND ({{tenant:String}} = '' OR tenant_id = {{tenant:String}})
ORDER BY revision DESC
LIMIT 1
{ONE_PARTITION}
"""  # noqa: S608 - put together from constants

NEAREST_FINDINGS: Final = """
SELECT DISTINCT finding_id
FROM findings
WHERE detected_at >= fromUnixTimestamp64Micro({since:Int64}, 'UTC')
    AND ({tenant:String} = '' OR tenant_id = {tenant:String})
ORDER BY startsWith(finding_id, {finding:String}) DESC, editDistance(finding_id, {finding:String}), finding_id
LIMIT 3
"""

# By primary key.
VERDICTS_OF_FINDING: Final = """
SELECT verdict_id, verdict, reason, given_by, given_at, muted_until, revision
FROM verdicts FINAL
WHERE tenant_id = {tenant:String} AND finding_id = {finding:String}
ORDER BY given_at, verdict_id
"""

# A mute does not say whether a finding is true: what was said of that before it still counts.
JUDGED: Final = """
SELECT
    rule_id,
    any(mode) AS failure_mode,
    countIf(judged = 'ack') AS true_findings,
    countIf(judged = 'wrong') AS false_findings,
    countIf(held = 'mute') AS muted
FROM (
    SELECT
        tenant_id,
        finding_id,
        argMax(rule_id, (given_at, verdict_id)) AS rule_id,
        argMax(verdicts.failure_mode, (given_at, verdict_id)) AS mode,
        argMax(verdict, (given_at, verdict_id)) AS held,
        argMaxIf(verdict, (given_at, verdict_id), verdict != 'mute') AS judged
    FROM verdicts
    WHERE given_at >= fromUnixTimestamp64Micro({since:Int64}, 'UTC')
        AND given_at < fromUnixTimestamp64Micro({until:Int64}, 'UTC')
        AND ({tenant:String} = '' OR tenant_id = {tenant:String})
        AND ({agent:String} = '' OR agent_id = {agent:String})
    GROUP BY tenant_id, finding_id
)
GROUP BY rule_id
ORDER BY rule_id
"""

FOUND_BY_RULE: Final = f"""
SELECT rule_id, any(failure_mode) AS failure_mode, count() AS findings
FROM findings FINAL
WHERE detected_at >= fromUnixTimestamp64Micro({{since:Int64}}, 'UTC')
    AND detected_at < fromUnixTimestamp64Micro({{until:Int64}}, 'UTC')
    AND status = 'open'
    AND ({{tenant:String}} = '' OR tenant_id = {{tenant:String}})
    AND ({{agent:String}} = '' OR agent_id = {{agent:String}})
GROUP BY rule_id
ORDER BY rule_id
{ONE_PARTITION}
"""  # noqa: S608 - put together from constants

# The tree's incidents, each as last revised; an incident may grow, and a tree have several. Of the days around.
INCIDENTS_OF_TREE: Final = f"""
SELECT finding_id, evidence
FROM findings FINAL
WHERE tenant_id = {{tenant:String}} AND root_session_id = {{root:String}} AND failure_mode = 'incident'
    AND first_event_at >= fromUnixTimestamp64Micro({{since:Int64}}, 'UTC')
    AND first_event_at < fromUnixTimestamp64Micro({{until:Int64}}, 'UTC')
{ONE_PARTITION}
"""  # noqa: S608 - put together from constants

# By primary key.
FINDINGS_BY_IDS: Final = f"""
SELECT {FINDING_COLUMNS}
FROM findings FINAL
WHERE tenant_id = {{tenant:String}} AND finding_id IN {{findings:Array(String)}}
{ONE_PARTITION}
"""  # noqa: S608 - put together from constants

# Both by primary key. A message tells of the findings of its alert from `after` to `upto`.
NOTICES_OF_FINDINGS: Final = """
SELECT alert_id, channel, argMin(kind, tried_at) AS kind, min(tried_at) AS told_at
FROM (
    SELECT alert_id, channel, kind, tried_at, after, upto
    FROM alert_notices FINAL
    WHERE alert_id IN (
        SELECT alert_id FROM alert_findings WHERE tenant_id = {tenant:String} AND finding_id IN {findings:Array(String)}
    ) AND state = 'delivered' AND tried_at IS NOT NULL
) AS notices
JOIN (
    SELECT alert_id, ordinal
    FROM alert_findings FINAL
    WHERE tenant_id = {tenant:String} AND finding_id IN {findings:Array(String)} AND place = 'alert'
) AS told USING alert_id
WHERE ordinal > after AND ordinal <= upto
GROUP BY alert_id, channel
ORDER BY told_at, channel
"""
