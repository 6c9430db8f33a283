"""Findings of a period with what people and graders say of them, out of the store."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final, Protocol

from watchkeeper.evals.agreement.drawing import Found
from watchkeeper.schemas.errors import ConfigurationError

MOST_FINDINGS: Final = 300_000
"""Of more, a period is refused: it would take more than a minute and a gigabyte."""

WEAK: Final[Mapping[str, str]] = {"ungrounded_answer": "groundedness"}
"""The grader whose low values speak for a finding of a mode."""

_FINDINGS: Final = """
SELECT tenant_id, finding_id, failure_mode, session_id
FROM findings FINAL
WHERE detected_at >= fromUnixTimestamp64Micro({since:Int64}, 'UTC')
    AND detected_at < fromUnixTimestamp64Micro({until:Int64}, 'UTC')
    AND status = 'open'
    AND ({origin:String} = '' OR origin = {origin:String})
    AND ({tenant:String} = '' OR tenant_id = {tenant:String})
    AND ({agent:String} = '' OR agent_id = {agent:String})
    AND ({mode:String} = '' OR failure_mode = {mode:String})
LIMIT {limit:UInt32}
SETTINGS do_not_merge_across_partitions_select_final = 1
"""

# A mute does not say whether a finding is true: what was said of that before it still counts.
_VERDICTS: Final = """
SELECT tenant_id, finding_id, argMax(verdict, (given_at, verdict_id)) = 'ack' AS is_true
FROM verdicts
WHERE given_at >= fromUnixTimestamp64Micro({since:Int64}, 'UTC')
    AND verdict != 'mute'
    AND ({tenant:String} = '' OR tenant_id = {tenant:String})
    AND ({agent:String} = '' OR agent_id = {agent:String})
GROUP BY tenant_id, finding_id
"""

# Sessions end at most some days before what is found in them; outcomes may come later.
_SCORES: Final = """
SELECT tenant_id, session_id, argMax(scores.value, graded_at) AS latest
FROM scores FINAL
WHERE source = 'live'
    AND splitByChar('@', grader)[1] = {grader:String}
    AND value IS NOT NULL
    AND occurred_at >= fromUnixTimestamp64Micro({since:Int64}, 'UTC') - INTERVAL 7 DAY
    AND ({tenant:String} = '' OR tenant_id = {tenant:String})
    AND ({agent:String} = '' OR agent_id = {agent:String})
GROUP BY tenant_id, session_id
"""

_DETAILS: Final = """
SELECT tenant_id, finding_id, failure_mode, kind, severity, agent_id, session_id, summary, detected_at
FROM findings FINAL
WHERE finding_id IN {findings:Array(String)}
    AND detected_at >= fromUnixTimestamp64Micro({since:Int64}, 'UTC')
SETTINGS do_not_merge_across_partitions_select_final = 1
"""


class Rows(Protocol):
    """Answers queries; `watchkeeper.cli.store.ReadStore` does."""

    def rows(self, sql: str, **parameters: Any) -> list[dict[str, Any]]:
        """The rows of a query, by column; `parameters` are bound by the server."""


@dataclass(frozen=True, slots=True)
class Period:
    """Which findings.

    Attributes:
        since: found from then on.
        until: and before then.
        tenant: whose; all, where it is empty; so with the others.
        origin: `live` for production.
    """

    since: datetime
    until: datetime
    tenant: str = ""
    agent: str = ""
    mode: str = ""
    origin: str = "live"


def read_found(store: Rows, period: Period, weak: Mapping[str, str] = WEAK) -> list[Found]:
    """The findings of a period that still stand.

    Args:
        store: where they are.
        period: which.
        weak: graders by failure mode: a session that such a grader finds bad speaks for its finding.

    Raises:
        ConfigurationError: there are more than `MOST_FINDINGS`.
        StoreUnavailableError: see the store.
    """
    named = {"tenant": period.tenant, "agent": period.agent}
    rows = store.rows(
        _FINDINGS,
        since=period.since,
        until=period.until,
        mode=period.mode,
        origin=period.origin,
        limit=MOST_FINDINGS + 1,
        **named,
    )
    if len(rows) > MOST_FINDINGS:
        raise ConfigurationError(
            f"more than {MOST_FINDINGS:,} findings since {period.since:%Y-%m-%d}: take a shorter --since, or one --mode"
        )
    said = {
        (row["tenant_id"], row["finding_id"]): bool(row["is_true"])
        for row in store.rows(_VERDICTS, since=period.since, **named)
    }
    present = {row["failure_mode"] for row in rows}
    values = {mode: _values(store, period, grader) for mode, grader in weak.items() if mode in present}
    return [
        Found(
            tenant_id=row["tenant_id"],
            finding_id=row["finding_id"],
            mode=row["failure_mode"],
            true=said.get((row["tenant_id"], row["finding_id"])),
            weak=values.get(row["failure_mode"], {}).get((row["tenant_id"], row["session_id"])),
        )
        for row in rows
    ]


def _values(store: Rows, period: Period, grader: str) -> dict[tuple[str, str], float]:
    rows = store.rows(_SCORES, since=period.since, grader=grader, tenant=period.tenant, agent=period.agent)
    return {(row["tenant_id"], row["session_id"]): 1.0 - float(row["latest"]) for row in rows}


def details(store: Rows, period: Period, found: Sequence[Found]) -> list[dict[str, Any]]:
    """The rows of some findings, in their order, as people need them to judge."""
    if not found:
        return []
    rows = store.rows(_DETAILS, findings=[one.finding_id for one in found], since=period.since)
    by_id = {(row["tenant_id"], row["finding_id"]): row for row in rows}
    wanted = [(one.tenant_id, one.finding_id) for one in found]
    return [by_id[key] for key in wanted if key in by_id]
