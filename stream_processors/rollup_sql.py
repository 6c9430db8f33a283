"""The statements of the rollups: which minutes were touched, and how a minute is made.

An hour is made of its minutes in the same way, after them: what people look at over weeks reads hours.

A minute is made inside ClickHouse by one INSERT: of deduplicated rows (`FINAL`), and beside them of the keys that the
minute has already, with weight 0. A key that no row has any more is so replaced by zeros, in the same statement.

Minutes are numbers of minutes since 1970: ClickHouse's own `toStartOfMinute` wraps around in 2106.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

MINUTE_US = 60_000_000
HOUR_MINUTES = 60

STATEMENT_SETTINGS: Mapping[str, str | int] = {
    # Partitions of different days never hold versions of one row: the day follows from the key.
    "do_not_merge_across_partitions_select_final": 1,
    # So does an event's time: rows may be left out by it before their versions are merged.
    "use_skip_indexes_if_final": 1,
    "use_skip_indexes_if_final_exact_mode": 0,
    "optimize_move_to_prewhere_if_final": 1,
    "max_threads": 2,
    "max_memory_usage": 1_500_000_000,
    "max_bytes_before_external_group_by": 400_000_000,
    "max_execution_time": 300,
}
"""For statements that make minutes."""


@dataclass(frozen=True, slots=True)
class Field:
    """What is read of a row.

    Attributes:
        name: as the totals know it.
        expression: over the table's columns.
        nothing: a literal of the same type, for a key without a row.
    """

    name: str
    expression: str
    nothing: str


@dataclass(frozen=True, slots=True)
class Source:
    """A table, and the minutes made of it.

    Attributes:
        table: whose rows are counted.
        time: the column whose minute counts; it never changes between versions of a row.
        mark: cheap columns that tell one stored row from another, together with `stored_at`.
        target: the table of minutes.
        keys: the target's key without the minute.
        fields: what is read of a row.
        totals: the target's other columns, each an expression over fields and `weight` (0 for a key without a row).
        hours: the table of hours; its columns are those of the target, with `hour` for `minute`.
        merged: how an hour's column is made of its minutes' where that is no sum, and what an hour without any has.
    """

    table: str
    time: str
    mark: str
    target: str
    keys: tuple[str, ...]
    fields: tuple[Field, ...]
    totals: Mapping[str, str]
    hours: str
    merged: Mapping[str, tuple[str, str]] = field(default_factory=dict)

    @property
    def touched(self) -> str:
        """Minutes with rows stored since `since_us`: rows and print of them from there, and from `next_us` on."""
        mark = f"cityHash64({self.mark}, stored_at)"
        later = "stored_at >= fromUnixTimestamp64Micro({next_us:Int64})"
        return (
            f"SELECT {_minute(self.time)} AS number, count(), sumWithOverflow({mark}),"  # noqa: S608 - names are ours
            f" countIf({later}), sumWithOverflow(if({later}, {mark}, 0))"
            f" FROM {self.table} WHERE stored_at >= fromUnixTimestamp64Micro({{since_us:Int64}})"
            " GROUP BY number ORDER BY number"
        )

    @property
    def between(self) -> str:
        """Minutes that have rows, or were made before, from `low_us` until before `high_us`, and their rows."""
        return (
            f"SELECT number, sum(n) FROM (SELECT {_minute(self.time)} AS number, count() AS n"  # noqa: S608 - as above
            f" FROM {self.table} WHERE {_within(self.time)} GROUP BY number"
            f" UNION ALL SELECT {_minute('minute')} AS number, 0 FROM {self.target} WHERE {_within('minute')})"
            " GROUP BY number ORDER BY number"
        )

    @property
    def made(self) -> str:
        """What the minutes `numbers` are now; all lie between `low_us` and `high_us`."""
        keys = ", ".join(self.keys)
        read = ", ".join(f"{field.expression} AS {field.name}" for field in self.fields)
        nothing = ", ".join(f"{field.nothing} AS {field.name}" for field in self.fields)
        totals = ", ".join(f"{expression} AS {name}" for name, expression in self.totals.items())
        # A server's clock that was set back must not let an earlier version stay.
        version = "greatest(now64(6, 'UTC'), max(before) + toIntervalMicrosecond(1)) AS computed_at"
        wanted = "IN {numbers:Array(Int64)}"
        return (
            f"SELECT {keys}, toDateTime64(number * 60, 0, 'UTC') AS minute, {totals}, {version} FROM ("  # noqa: S608 - as above
            f"SELECT {keys}, {_minute(self.time)} AS number, 1 AS weight, toDateTime64(0, 6, 'UTC') AS before, {read}"
            f" FROM {self.table} FINAL WHERE {_within(self.time)} AND {_minute(self.time)} {wanted}"
            f" UNION ALL SELECT {keys}, {_minute('minute')} AS number, 0 AS weight, computed_at AS before, {nothing}"
            f" FROM {self.target} WHERE {_within('minute')} AND {_minute('minute')} {wanted}"
            f") GROUP BY {keys}, number"
        )

    @property
    def make(self) -> str:
        """Makes the minutes `numbers` and replaces what they were."""
        return (
            f"INSERT INTO {self.target} ({', '.join((*self.keys, 'minute', *self.totals, 'computed_at'))}) {self.made}"
        )

    @property
    def make_hours(self) -> str:
        """Makes the hours `numbers` of their minutes, and replaces what they were."""
        keys, names = ", ".join(self.keys), ", ".join(self.totals)
        totals = ", ".join(f"{self.merged[name][0] if name in self.merged else f'sum({name})'}" for name in self.totals)
        nothing = ", ".join(
            f"{self.merged[name][1]} AS {name}" if name in self.merged else f"0 AS {name}" for name in self.totals
        )
        wanted = "IN {numbers:Array(Int64)}"
        return (
            f"INSERT INTO {self.hours} ({keys}, hour, {names}, computed_at)"  # noqa: S608 - names are ours
            f" SELECT {keys}, toDateTime64(number * 3600, 0, 'UTC'), {totals},"
            " greatest(now64(6, 'UTC'), max(before) + toIntervalMicrosecond(1)) FROM ("
            f"SELECT {keys}, {_hour('minute')} AS number, toDateTime64(0, 6, 'UTC') AS before, {names}"
            f" FROM {self.target} FINAL WHERE {_within('minute')} AND {_hour('minute')} {wanted}"
            f" UNION ALL SELECT {keys}, {_hour('hour')} AS number, computed_at AS before, {nothing}"
            f" FROM {self.hours} WHERE {_within('hour')} AND {_hour('hour')} {wanted}"
            f") GROUP BY {keys}, number"
        )


def _hour(column: str) -> str:
    in_us = f"toUnixTimestamp64Micro(toDateTime64({column}, 6, 'UTC'))"
    return f"intDiv({in_us}, {MINUTE_US * HOUR_MINUTES})"


def _minute(column: str) -> str:
    in_us = f"toUnixTimestamp64Micro(toDateTime64({column}, 6, 'UTC'))"
    return f"intDiv({in_us}, {MINUTE_US})"


def _within(column: str) -> str:
    low, high = (f"fromUnixTimestamp64Micro({{{name}:Int64}}, 'UTC')" for name in ("low_us", "high_us"))
    return f"{column} >= {low} AND {column} < {high}"


def _text(key: str, *types: str) -> str:
    """A text of `data`; it is read for events of these types alone."""
    listed = ", ".join(f"'{name}'" for name in types)
    return f"if(type IN ({listed}), JSONExtractString(data, '{key}'), '')"


_DURATION = (
    "if(type IN ('tool_result', 'response', 'retrieval'), JSONExtract(data, 'duration_us', 'Nullable(UInt64)'), NULL)"
)
_ABSTAINED = "if(type = 'response', JSONExtractBool(data, 'abstained'), false)"

ACTIVITY = Source(
    table="events",
    time="occurred_at",
    mark="source_partition, source_offset, source_line",
    target="activity_minutes",
    keys=("tenant_id", "origin", "environment", "agent_id", "agent_version", "model", "tool_name"),
    fields=(
        Field("kind", "toString(type)", "''"),
        Field("said_status", _text("status", "session_ended", "tool_result"), "''"),
        Field("said_error", _text("error_type", "response"), "''"),
        Field("said_abstained", f"toUInt8({_ABSTAINED})", "toUInt8(0)"),
        Field("took_us", _DURATION, "CAST(NULL, 'Nullable(UInt64)')"),
        Field("cost", "cost_usd", "CAST(NULL, 'Nullable(Decimal(18, 9))')"),
        Field("without_price", "toUInt8(price_status = 'unpriced')", "toUInt8(0)"),
        Field("tokens_in", "input_tokens", "toUInt64(0)"),
        Field("tokens_cached", "cached_input_tokens", "toUInt64(0)"),
        Field("tokens_out", "output_tokens", "toUInt64(0)"),
    ),
    totals={
        "events": "sum(weight)",
        "sessions_started": "countIf(kind = 'session_started')",
        "sessions_completed": "countIf(kind = 'session_ended' AND said_status IN ('completed', ''))",
        "sessions_failed": "countIf(kind = 'session_ended' AND said_status = 'failed')",
        "sessions_stopped": "countIf(kind = 'session_ended' AND said_status = 'stopped')",
        "tool_calls": "countIf(kind = 'tool_call')",
        "tool_results": "countIf(kind = 'tool_result')",
        "tool_errors": "countIf(kind = 'tool_result' AND said_status IN ('error', 'timeout'))",
        "responses": "countIf(kind = 'response')",
        "response_errors": "countIf(said_error != '')",
        "abstained": "sum(said_abstained)",
        "input_tokens": "sum(tokens_in)",
        "cached_input_tokens": "sum(tokens_cached)",
        "output_tokens": "sum(tokens_out)",
        "cost_usd": "ifNull(sum(cost), 0)",
        "priced": "count(cost)",
        "unpriced": "sum(without_price)",
        "timed": "count(took_us)",
        "duration_us": "quantileDDStateIf(0.01)(toFloat64(ifNull(took_us, 0)), isNotNull(took_us))",
    },
    hours="activity_hours",
    merged={
        "duration_us": (
            "quantileDDMergeState(0.01)(duration_us)",
            "arrayReduce('quantileDDState(0.01)', emptyArrayFloat64())",
        )
    },
)
"""What agents did, by agent, model and tool."""

FOUND = Source(
    table="findings",
    time="first_event_at",
    mark="finding_id, revision",
    target="finding_minutes",
    keys=(
        "tenant_id",
        "origin",
        "environment",
        "agent_id",
        "agent_version",
        "failure_mode",
        "severity",
        "rule_stage",
    ),
    fields=(Field("is_resolved", "toUInt8(status = 'resolved')", "toUInt8(0)"),),
    totals={"findings": "sum(weight)", "resolved": "sum(is_resolved)"},
    hours="finding_hours",
)
"""What was found, by the minute in which the failure began."""

SOURCES: tuple[Source, ...] = (ACTIVITY, FOUND)
