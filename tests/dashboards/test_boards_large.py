"""Panels over hundreds of thousands of rows, made by the engine and stored twice: answers in closed form."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta

import pytest
from board_asking import END, ask, fresh_store, one
from clickhouse_connect.driver import Client

from watchkeeper.dashboards.grafana.macros import Range
from watchkeeper.stream_processors.rollups import Rollups

pytestmark = pytest.mark.long

N = 200_000
DAY = Range(END - timedelta(days=1), END, 600_000)
_AT = f"toDateTime64('{END:%Y-%m-%d %H:%M:%S}', 6, 'UTC') - INTERVAL 1 + number % 86000 SECOND"

# A hundredth of a dollar for each of `number % 100`; every tenth completes in four, fails, is stopped, or goes on.
SESSIONS = f"""
INSERT INTO sessions (
    source_partition, tenant_id, session_id, version, agent_id, agent_version, origin, intent, model, started_at,
    last_event_at, status, tool_calls, cost_usd, findings, worst_severity, retention_class
)
SELECT
    number % 12, 'acme', concat('s', toString(number)), 1, 'support', toString(number % 2), 'live',
    concat('i', toString(number % 5)), 'm', {_AT} AS at, at + INTERVAL 5 SECOND,
    ['completed', 'failed', 'stopped', 'open'][1 + number % 4], number % 7, (number % 100) / 100, 0, '', 'standard'
FROM numbers({N})
"""

EVENTS = f"""
INSERT INTO events (
    tenant_id, session_id, writer_id, seq, digest, type, event_id, occurred_at, agent_id, agent_version, data,
    source_partition, source_offset, source_line, received_at, model, input_tokens, output_tokens, cost_usd,
    price_status
)
SELECT
    'acme', concat('s', toString(intDiv(number, 2))), 'w', number % 2, toString(number),
    if(number % 2, 'response', 'session_started'), toString(number), {_AT.replace("number", "intDiv(number, 2)")},
    'support', toString(intDiv(number, 2) % 2), '{{}}', 0, number, 0, now64(3), if(number % 2, 'm', ''),
    if(number % 2, 10, 0), if(number % 2, 3, 0), if(number % 2, 0.001, NULL), if(number % 2, 'priced', 'none')
FROM numbers({2 * N})
"""

# Every tenth session crossed the cap of 25 calls, by one for each of `number % 100`, which is a multiple of ten.
FINDINGS = f"""
INSERT INTO findings (
    tenant_id, finding_id, revision, schema_version, status, session_id, agent_id, agent_version, origin, failure_mode,
    kind, severity, rule_id, rule_version, rule_stage, summary, evidence, first_event_at, last_event_at, detected_at,
    runbook
)
SELECT
    'acme', concat('f', toString(number)), 0, 1, 'open', concat('s', toString(number)), 'support',
    toString(number % 2), 'live', 'cost_runaway', 'cap_use', 'high', 'cost_runaway', 1, 'active', 's',
    concat('{{"kind":"cap_use","cap":"tool_calls","limit":25,"used":', toString(26 + number % 100), '}}'),
    {_AT} AS at, at, at, 'docs'
FROM (SELECT number * 10 AS number FROM numbers({N // 10}))
"""

# Values 0 to 1 by tenths, each eleventh as often; drawn with a half, and those of value 1 with a quarter.
SCORES = f"""
INSERT INTO scores (
    tenant_id, score_id, schema_version, subject, origin, source, session_id, agent_id, agent_version, intent, grader,
    result_type, passed, value, criteria, inclusion, stratum, occurred_at, graded_at
)
SELECT
    'acme', concat('g', toString(number)), 1, 's', 'live', 'live', concat('s', toString(number)), 'support', '1', 'i',
    'exact@1', 'number', number % 11 > 4, (number % 11) / 10, '[]', if(number % 11 = 10, 0.25, 0.5), 'uniform',
    {_AT} AS at, at
FROM numbers({N - N % 11})
"""


@pytest.fixture(scope="module")
def store(clickhouse: str) -> Iterator[Client]:
    with fresh_store(clickhouse) as (client, dsn):
        for statement in (SESSIONS, EVENTS, FINDINGS, SCORES) * 2:
            client.command(statement)
        job = Rollups(dsn)
        job.run_pass()
        job.close()
        yield client


def test_sessions(store: Client) -> None:
    assert one(ask(store, "watchkeeper-agent: Sessions", DAY)) == N
    assert one(ask(store, "watchkeeper-agent: Capped", DAY)) == pytest.approx(0.1)
    assert one(ask(store, "watchkeeper-agent: Recorded whole", DAY)) == 1
    assert one(ask(store, "watchkeeper-agent: Median cost", DAY)) == pytest.approx(0.495)
    rows = ask(store, "watchkeeper-agent: By intent", DAY)
    assert [(row["about"], row["sessions"]) for row in rows] == [(f"i{n}", N // 5) for n in range(5)]
    # `number % 5` and `number % 4` are independent; of a hundredth of a dollar each, i0 has 0, 5, 10 … 95.
    assert [row["completed"] for row in rows] == pytest.approx([1 / 3] * 5)
    assert rows[0]["cost_p50"] == pytest.approx(0.475)
    (cap,) = ask(store, "watchkeeper-agent: Caps", DAY)
    assert (cap["sessions"], cap["worst_use"]) == (N // 10, pytest.approx(116 / 25))
    assert cap["median_use"] == pytest.approx((26 + 45) / 25)
    steps = ask(store, "watchkeeper-agent: Sessions in a loop", DAY)
    assert len(steps) == 24
    assert {row["looped"] for row in steps} == {0}


def test_spend(store: Client) -> None:
    (row,) = ask(store, "watchkeeper-spend: Good sessions by agent", DAY)
    # Completed: those of `number % 4 == 0`: 0, 4, … 96 hundredths.
    assert (row["sessions"], row["good"]) == (N, N // 4)
    assert row["spend"] == pytest.approx(N * 0.495)
    assert row["a_good_one"] == pytest.approx(4 * 0.495)
    assert row["spent_in_vain"] == pytest.approx(N * 0.495 - N / 4 * 0.48)
    dearest = ask(store, "watchkeeper-spend: Dearest sessions", DAY)
    assert {row["spend"] for row in dearest} == {0.99}
    assert [row["usual"] for row in dearest] == pytest.approx([0.495] * 50)


def test_minutes_and_hours(store: Client) -> None:
    assert one(ask(store, "watchkeeper-overview: Sessions started", DAY)) == N
    assert one(ask(store, "watchkeeper-overview: Spend", DAY)) == pytest.approx(N * 0.001)
    rows = ask(store, "watchkeeper-spend: Tokens", DAY)
    assert sum(row["input"] for row in rows) == 10 * N
    assert sum(row["output"] for row in rows) == 3 * N


def test_findings(store: Client) -> None:
    assert one(ask(store, "watchkeeper-overview: Grave findings", DAY)) == N // 10
    (row,) = ask(store, "watchkeeper-modes: cost_runaway: more than it may cost", DAY)
    assert (row["kind"], row["of"], row["findings"]) == ("cap_use", "tool_calls", N // 10)
    assert row["worst_use"] == pytest.approx(116 / 25)
    assert len(ask(store, "watchkeeper-overview: Latest findings", DAY)) == 100


def test_scores(store: Client) -> None:
    (row,) = ask(store, "watchkeeper-quality: Graders", DAY)
    # Ten values of weight 2, and the value 1 of weight 4.
    mean = (2 * sum(range(10)) / 10 + 4) / (2 * 10 + 4)
    assert row["scored"] == N - N % 11
    assert row["mean_score"] == pytest.approx(mean)
    assert row["passed"] == pytest.approx((2 * 5 + 4) / 24)
    worth = (N // 11) * 24**2 / (10 * 4 + 16)
    assert row["high"] - row["low"] == pytest.approx(2 * 1.96 * (mean * (1 - mean) / worth) ** 0.5, rel=1e-3)
