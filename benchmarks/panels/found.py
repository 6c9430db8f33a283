"""Findings of the fleet: of sessions by every mode, and of agents whose quality drifted."""

from __future__ import annotations

from panels.fleet import ROLES, TENANTS, Fleet
from watchkeeper.schemas.failure_modes import FAILURE_MODES
from watchkeeper.schemas.model import to_us

_CAP = (
    "concat('{\"kind\":\"cap_use\",\"cap\":\"', ['tool_calls', 'tokens', 'wall_clock_seconds', 'cost_usd']"
    '[1 + draw % 4], \'","limit":20,"used":\', toString(15 + draw % 20), \',"share":1,"tool_calls":20,'
    '"tokens":9000,"wall_clock_seconds":80,"cost_usd":0.2}\')'
)
_LOOP = (
    'concat(\'{"kind":"loop","cycle":["search","\', [\'get_order\', \'read_file\', \'run_sql\'][1 + draw % 3],'
    ' \'"],"calls":\', toString(6 + draw % 20), \',"tokens":4000,"seconds":31.5,"cost_usd":0.0214}\')'
)
_UNKNOWN = (
    'concat(\'{"kind":"unknown_tool","tool_name":"fetch_\', toString(draw % 40), \'","nearest":["search"],'
    "\"follow_up\":\"', ['corrected', 'repeated', 'none'][1 + draw % 3], '\"}')"
)
_OTHER = 'concat(\'{"kind":"\', kind, \'","tool_name":"refund","note":"\', toString(draw), \'"}\')'
_KINDS = {
    "cost_runaway": "cap_use",
    "reasoning_loop": "loop",
    "hallucinated_tool": "unknown_tool",
    "audit_gap": "missing_events",
    "duplicate_action": "repeated_call",
    "data_leak": "secret",
}
_OFTEN = ("cost_runaway", "reasoning_loop", "hallucinated_tool", "audit_gap")
_MODES = tuple(mode for mode in FAILURE_MODES if mode not in {"quality_drift", "input_drift", "version_drift"})

_COLUMNS = {
    "tenant_id": "tenant_id",
    "finding_id": "lower(hex(sipHash128(n, f, 31)))",
    "revision": "revision",
    "schema_version": "1",
    "status": "if(revision = 1, 'resolved', 'open')",
    "session_id": "session_id",
    "root_session_id": "session_id",
    "agent_id": "agent_id",
    "agent_version": "agent_version",
    "environment": "'production'",
    "origin": "origin",
    "user_id": "user_id",
    "customer_id": "customer_id",
    "failure_mode": "mode",
    "kind": "kind",
    "severity": "['low', 'medium', 'high', 'critical'][1 + draw % 4]",
    "rule_id": "concat(mode, '.', kind)",
    "rule_version": "1",
    "rule_stage": "if(draw % 20 = 0, 'shadow', 'active')",
    "summary": "concat('Session ', session_id, ' of ', agent_id, ' shows ', mode, ', see the evidence')",
    "evidence": (
        f"multiIf(mode = 'cost_runaway', {_CAP}, mode = 'reasoning_loop', {_LOOP}, "
        f"mode = 'hallucinated_tool', {_UNKNOWN}, {_OTHER})"
    ),
    "first_event_at": "fromUnixTimestamp64Micro(opened_us + 5000000, 'UTC')",
    "last_event_at": "fromUnixTimestamp64Micro(opened_us + 20000000, 'UTC')",
    "detected_at": "fromUnixTimestamp64Micro(opened_us + 20400000 + draw % 900000, 'UTC')",
    "policy_address": "concat('u-', agent_id, agent_version)",
    "runbook": "concat('docs/runbooks/', mode, '.md')",
    "stored_at": "toDateTime64(opened_us / 1e6 + 21, 3, 'UTC')",
}


def _listed(values: tuple[str, ...]) -> str:
    return f"[{', '.join(repr(value) for value in values)}]"


def findings_sql(sessions: str) -> str:
    """An INSERT of the findings of a subquery's sessions; every fifth was revised."""
    modes = (*_OFTEN * 6, *_MODES)
    kinds = f"transform(mode, {_listed(tuple(_KINDS))}, {_listed(tuple(_KINDS.values()))}, 'other')"
    source = (
        f"(SELECT *, cityHash64(n, f, 32) AS draw, {_listed(modes)}[1 + intDiv(draw, 64) % {len(modes)}] AS mode,"
        f" {kinds} AS kind, arrayJoin(range(1 + (draw % 5 = 0))) AS revision"
        f" FROM (SELECT *, arrayJoin(range(findings)) AS f FROM {sessions} WHERE findings > 0))"
    )
    chosen = ", ".join(f"{expression} AS c{number}" for number, expression in enumerate(_COLUMNS.values()))
    return f"INSERT INTO findings ({', '.join(_COLUMNS)}) SELECT {chosen} FROM {source}"


def subject_findings_sql(fleet: Fleet) -> str:
    """An INSERT of some drift of each agent's quality."""
    evidence = (
        'concat(\'{"kind":"drifted_scores","stream":"rubric@2","family":"graders","unit":"score",'
        '"direction":"fall","before":0.93,"after":0.81,"after_low":0.78,"after_high":0.85,"change":-0.12,'
        '"change_low":-0.15,"change_high":-0.08,"sessions":240,"baseline_scores":1200,"promise":1000,'
        '"streams":3,"block":1,"evidence":1.3,"since":"\', formatDateTime(at, \'%Y-%m-%dT%H:%i:%SZ\'), \'"}\')'
    )
    given = {
        "tenant_id": f"{_listed(TENANTS)}[1 + number % {len(TENANTS)}]",
        "agent_id": f"{_listed(ROLES)}[1 + intDiv(number, 8) % {len(ROLES)}]",
        "subject": "concat('agent:', tenant_id, '/live/', agent_id)",
        "at": f"fromUnixTimestamp64Micro({to_us(fleet.since)} + toInt64(number * 8000000000), 'UTC')",
        "mode": "['quality_drift', 'input_drift', 'version_drift'][1 + number % 3]",
    }
    fields = ", ".join(f"{expression} AS {name}" for name, expression in given.items())
    return (
        "INSERT INTO findings (tenant_id, finding_id, revision, schema_version, status, session_id, subject, agent_id,"
        " environment, origin, failure_mode, kind, severity, rule_id, rule_version, rule_stage, summary, evidence,"
        " first_event_at, last_event_at, detected_at, runbook)"
        " SELECT tenant_id, lower(hex(sipHash128(number, 71))), 0, 1, 'open', NULL, subject, agent_id, 'production',"
        " 'live', mode, 'drifted_scores', 'high', mode, 1, 'active', concat('Scores of ', agent_id, ' fell'),"
        f" {evidence}, at, at + INTERVAL 1 HOUR, at + INTERVAL 1 HOUR, concat('docs/runbooks/', mode, '.md')"
        f" FROM (SELECT number, {fields} FROM numbers(320))"
    )
