"""Fills a store with a month of a fleet: the statements, in order, each with what it does for a person."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import timedelta

from panels.fleet import Fleet
from panels.found import findings_sql, subject_findings_sql
from panels.series import ROWS_SECONDS, rows_sql
from watchkeeper.schemas.model import to_us
from watchkeeper.stream_processors.metric_hours import HOUR_US, MAKE
from watchkeeper.stream_processors.rollup_sql import MINUTE_US, SOURCES, STATEMENT_SETTINGS

_AT = "fromUnixTimestamp64Micro({}, 'UTC')"
REPLAYED_SHARE = 0.06
"""Of each day's sessions, how many are written a second time, and stay unmerged."""

_SETTINGS: Mapping[str, str | int] = {
    "max_threads": 2,
    "max_insert_threads": 1,
    "max_memory_usage": 6_000_000_000,
    "max_execution_time": 1_800,
    "max_partitions_per_insert_block": 1_000,
    # Rows of one insert differ in their keys: nothing is to be replaced among them, and looking for it takes longest.
    "optimize_on_insert": 0,
}

_EVENTS = {
    "tenant_id": "tenant_id",
    "session_id": "session_id",
    "writer_id": "lower(hex(sipHash64(n)))",
    "seq": "k",
    "digest": "lower(concat(hex(sipHash128(n, k, 11)), hex(sipHash128(n, k, 12))))",
    "type": "type",
    "event_id": "toString(reinterpretAsUUID(sipHash128(n, k, 13)))",
    "occurred_at": _AT.format("occurred_us"),
    "agent_id": "agent_id",
    "agent_version": "agent_version",
    "origin": "origin",
    "customer_id": "customer_id",
    "user_id": "user_id",
    "chain": "lower(concat(hex(sipHash128(n, k, 14)), hex(sipHash128(n, k, 15))))",
    "data": "data",
    "source_partition": "source_partition",
    "source_offset": "n",
    "source_line": "k",
    "received_at": "toDateTime64(occurred_us / 1e6, 3, 'UTC')",
    "tool_name": "tool_name",
    "model": "of_model",
    "input_tokens": "tokens_in",
    "cached_input_tokens": "intDiv(tokens_in, 3)",
    "output_tokens": "tokens_out",
    "cost_usd": "cost",
    "price_status": "multiIf(type != 'response', 'none', unpriced, 'unpriced', 'priced')",
    "stored_at": "toDateTime64(occurred_us / 1e6 + 1, 3, 'UTC')",
}
_SESSIONS = {
    "source_partition": "source_partition",
    "tenant_id": "tenant_id",
    "session_id": "session_id",
    "version": "n * 16 + written",
    "root_session_id": "session_id",
    "agent_id": "agent_id",
    "agent_version": "agent_version",
    "environment": "'production'",
    "origin": "origin",
    "user_id": "user_id",
    "customer_id": "customer_id",
    "intent": "intent",
    "model": "model",
    "started_at": _AT.format("opened_us"),
    "opened_at": _AT.format("opened_us"),
    "last_event_at": _AT.format("if(written = 0, opened_us + 2500000, ended_us)"),
    "status": "if(written = 0, 'open', status)",
    "events": "if(written = 0, 2, 4 * rounds + 3)",
    "tool_calls": "if(written = 0, 0, rounds)",
    "tokens": "if(written = 0, 0, session_input + session_output)",
    "input_tokens": "if(written = 0, 0, session_input)",
    "output_tokens": "if(written = 0, 0, session_output)",
    "cost_usd": "if(written = 0, 0., session_cost)",
    "unpriced_requests": "if(unpriced AND written = 1, rounds, 0)",
    "findings": "if(written = 0, 0, findings)",
    "worst_severity": "if(findings = 0 OR written = 0, '', ['low', 'medium', 'high', 'critical'][1 + n % 4])",
    "policy_address": "concat('u-', agent_id, agent_version)",
    "retention_class": "'standard'",
    "state": 'concat(\'{"v":1,"s":"\', repeat(hex(sipHash128(n, 16)), 12), \'"}\')',
    "stored_at": "toDateTime64(if(written = 0, opened_us, ended_us) / 1e6 + 1, 3, 'UTC')",
}
_SCORES = {
    "tenant_id": "tenant_id",
    "score_id": "lower(hex(sipHash128(n, g, 41)))",
    "schema_version": "1",
    "subject": "concat('score:', tenant_id, '/', origin, '/', agent_id)",
    "origin": "origin",
    "source": "'live'",
    "session_id": "session_id",
    "agent_id": "agent_id",
    "agent_version": "agent_version",
    "model": "model",
    "intent": "intent",
    "environment": "'production'",
    "retention_class": "'standard'",
    "grader": "['groundedness@1', 'tool_use@1', 'rubric@2'][1 + g]",
    "result_type": "['number', 'number', 'pass'][1 + g]",
    "passed": "if(g = 2, toNullable(cityHash64(n, 42) % 100 < 93), NULL)",
    "value": "if(g = 2, toFloat64(cityHash64(n, 42) % 100 < 93), 1 - pow(cityHash64(n, g, 43) % 1000 / 1000, 4))",
    "criteria": "'[]'",
    "inclusion": "0.02",
    "stratum": "'uniform'",
    "occurred_at": _AT.format("ended_us"),
    "graded_at": _AT.format("ended_us + 90000000"),
    "cost_usd": "0.001",
    "stored_at": "toDateTime64(ended_us / 1e6 + 95, 3, 'UTC')",
}
_COMMANDS = {
    "tenant_id": "tenant_id",
    "command_id": "lower(hex(sipHash128(n, 51)))",
    "schema_version": "1",
    "target_kind": "'session'",
    "target_id": "session_id",
    "action": "'terminate'",
    "reason": "'a cap was crossed'",
    "issued_by": "'policy'",
    "issued_at": _AT.format("ended_us - 1000000"),
    "expires_at": _AT.format("ended_us + 60000000"),
    "stored_at": "toDateTime64(ended_us / 1e6, 3, 'UTC')",
}
_LETTERS = {
    "source_topic": "'agent.events'",
    "source_partition": "source_partition",
    "source_offset": "n",
    "source_line": "toInt32(-1)",
    "revision": "0",
    "reason": "'not_json'",
    "detail": "'the line is no JSON'",
    "raw_base64": "base64Encode(hex(sipHash128(n, 61)))",
    "received_at": "toDateTime64(opened_us / 1e6, 3, 'UTC')",
    "status": "if(n % 2 = 0, 'open', 'redriven')",
    "stored_at": "toDateTime64(opened_us / 1e6 + 1, 3, 'UTC')",
}


@dataclass(frozen=True, slots=True)
class Statement:
    """One statement, and how much of the whole it is.

    Attributes:
        what: for a person.
        weight: about how many thousand rows it writes.
    """

    what: str
    sql: str
    weight: float
    parameters: Mapping[str, object] = field(default_factory=dict)
    settings: Mapping[str, str | int] = field(default_factory=lambda: _SETTINGS)


def insert(table: str, columns: Mapping[str, str], source: str, where: str = "") -> str:
    """An INSERT of expressions over a subquery."""
    chosen = ", ".join(f"{expression} AS c{number}" for number, expression in enumerate(columns.values()))
    condition = f" WHERE {where}" if where else ""
    return f"INSERT INTO {table} ({', '.join(columns)}) SELECT {chosen} FROM {source}{condition}"


def phases(fleet: Fleet) -> list[list[list[Statement]]]:
    """All of them: phase after phase; what stands in one phase's lists may run at once, each list in order.

    Day by day, then the rollups, then what a replay writes again after merges were stopped.
    """
    days = list(enumerate(fleet.days()))
    return [
        [[*_stored(fleet, low, high, f"day {day + 1}"), _metrics(fleet, day)] for day, (low, high) in days],
        [[Statement("findings of subjects", subject_findings_sql(fleet), 0.3)]],
        [*_rollups(fleet), _metric_hours(fleet)],
        [[Statement("no merges from here on", "SYSTEM STOP MERGES", 0.1)]],
        [list(_replayed(fleet, low, high, day)) for day, (low, high) in days],
    ]


def _replayed(fleet: Fleet, low: int, high: int, day: int) -> Iterator[Statement]:
    share = max(1, int((high - low) * REPLAYED_SHARE))
    yield from _stored(fleet, low, low + share, f"replay of day {day + 1}")


def _stored(fleet: Fleet, low: int, high: int, what: str) -> Iterator[Statement]:
    sessions, thousand = fleet.sessions_sql(low, high), (high - low) / 1000
    written = f"(SELECT *, arrayJoin(if(n % 10 = 0, [0, 1], [1])) AS written FROM {sessions})"
    graded = f"(SELECT *, arrayJoin([0, 1, 2]) AS g FROM {sessions} WHERE n % 50 = 0)"
    yield Statement(f"{what}: events", insert("events", _EVENTS, fleet.events_sql(low, high)), thousand * 25)
    yield Statement(f"{what}: sessions", insert("sessions", _SESSIONS, written), thousand * 2)
    yield Statement(f"{what}: findings", findings_sql(sessions), thousand * 0.1)
    yield Statement(f"{what}: scores", insert("scores", _SCORES, graded), thousand * 0.1)
    yield Statement(
        f"{what}: commands", insert("control_commands", _COMMANDS, sessions, "status = 'stopped'"), thousand * 0.1
    )
    yield Statement(f"{what}: dead letters", insert("dead_letters", _LETTERS, sessions, "n % 199 = 0"), thousand * 0.1)


def _metrics(fleet: Fleet, day: int) -> Statement:
    # A store for a quick look has fewer of these too: a worker that tells them less often.
    every = ROWS_SECONDS * max(1, min(40, 50_000_000 // fleet.events))
    begin = fleet.since + timedelta(days=day)
    ticks = 86_400 // every
    columns = "at, worker_id, name, series, labels, value"
    sql = f"INSERT INTO pipeline_metrics ({columns}) SELECT {columns} FROM ({rows_sql(begin, ticks, every)})"
    return Statement(f"day {day + 1}: the pipeline's figures", sql, ticks * 0.25)


def _days(fleet: Fleet) -> range:
    """Days since 1970. What began on the last day may have been found, or ended, on the next."""
    begin = to_us(fleet.since) // (MINUTE_US * 1440)
    return range(begin, begin + (fleet.until - fleet.since).days + 2)


def _rollups(fleet: Fleet) -> Iterator[list[Statement]]:
    """The job's own statements, a day at a time."""
    settings = {**STATEMENT_SETTINGS, "max_memory_usage": 6_000_000_000, "max_bytes_before_external_group_by": 0}
    for day in _days(fleet):
        bounds = {"low_us": day * 1440 * MINUTE_US, "high_us": (day + 1) * 1440 * MINUTE_US}
        made: list[Statement] = []
        for source in SOURCES:
            for target, statement, a_day in ((source.target, source.make, 1440), (source.hours, source.make_hours, 24)):
                numbers = list(range(day * a_day, (day + 1) * a_day))
                parameters = {"numbers": numbers, **bounds}
                made.append(Statement(f"{target} of a day", statement, fleet.events / 400_000, parameters, settings))
        yield made


def _metric_hours(fleet: Fleet) -> list[Statement]:
    """A quarter of a day at a time, in order: an hour rests on the one before it."""
    settings = {**STATEMENT_SETTINGS, "max_memory_usage": 6_000_000_000, "max_bytes_before_external_group_by": 0}
    quarter, days = 6 * HOUR_US, _days(fleet)
    return [
        Statement(
            "metric_hours of six hours",
            MAKE,
            fleet.events / 400_000,
            {"low_us": number * quarter, "high_us": (number + 1) * quarter, "cut_us": 0},
            settings,
        )
        for number in range(days.start * 4, days.stop * 4)
    ]
