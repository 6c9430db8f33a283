"""Objectives and burn rates of the board Tools, over what stage 2 itself made of signals; computed again in Python."""

from __future__ import annotations

import random
from collections import defaultdict
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from math import ceil, floor
from typing import Any, NamedTuple

import pytest
from board_asking import END, LAST_DAYS, LAST_HOUR, Row, ask, fresh_store, put
from board_fleet import SMALL, Call, events
from clickhouse_connect.driver import Client

from watchkeeper.dashboards.grafana.macros import Range
from watchkeeper.schemas.model import to_us
from watchkeeper.schemas.policy import Objective
from watchkeeper.schemas.signals import ObjectiveCount, ObjectivesCounted, agent_subject
from watchkeeper.stream_processors.detection.burn_rates import PAIRS
from watchkeeper.stream_processors.detection.subject_rules.objective_burn import ObjectiveBurn, ObjectiveBurnState
from watchkeeper.stream_processors.detection.subjects import SubjectState

TOOLS = "watchkeeper-tools: "
OBJECTIVES = {
    ("latency", "response"): Objective(rate="latency", target=0.95, threshold_ms=8000, step="response"),
    ("errors", "files/read"): Objective(rate="errors", target=0.99, step="files/read"),
    ("retries", "step"): Objective(rate="retries", target=1.0),
    ("acceptance", "outcome"): Objective(rate="acceptance", target=0.8, good_labels=["yes/no", "yes"]),
}
AGENTS = (("acme", "support"), ("acme", "billing/eu"), ("globex", "support"))


class Told(NamedTuple):
    """What one session told of one objective."""

    tenant: str
    agent: str
    about: tuple[str, str]
    at: datetime
    events: int
    bad: int


def _told() -> list[Told]:
    dice = random.Random(3)
    made = []
    for tenant, agent in AGENTS:
        # Trouble in the last minutes, and a past of some days without.
        moments = [END - timedelta(minutes=dice.randrange(1, 3 * 1440)) for _ in range(30)]
        moments += [END - timedelta(minutes=dice.randrange(4)) for _ in range(5)]
        for at in sorted(moments):
            for about in OBJECTIVES:
                events = dice.randrange(1, 30)
                worst = events if at > END - timedelta(minutes=5) else events // 8
                made.append(Told(tenant, agent, about, at, events, dice.randrange(worst + 1)))
    return made


TOLD = _told()


def _subject(tenant: str, agent: str) -> Row:
    rule, state = ObjectiveBurn(), ObjectiveBurnState()
    subject = agent_subject(tenant, "live", agent)
    for number, one in enumerate(one for one in TOLD if (one.tenant, one.agent) == (tenant, agent)):
        count = ObjectiveCount(objective=OBJECTIVES[one.about], events=one.events, bad=one.bad)
        signal = ObjectivesCounted(
            signal_id=f"s{number}", subject=subject, tenant_id=tenant, origin="live", session_id=f"s{number}",
            agent_id=agent, occurred_at=one.at, source_partition=0, rates=[count],
        )  # fmt: skip
        list(rule.fold(state, signal))
    held = SubjectState(subject, tenant, "live", agent, version=2, folds={"objective_burn": [1, state]})
    return {"source_partition": 0, "subject": subject, "version": 2, "tenant_id": tenant, "origin": "live",
            "state": held.dump().decode()}  # fmt: skip


@pytest.fixture(scope="module")
def store(clickhouse: str) -> Iterator[Client]:
    """Each state twice, as a replay writes it, with an earlier one."""
    with fresh_store(clickhouse) as (client, _):
        rows = [_subject(tenant, agent) for tenant, agent in AGENTS]
        for _ in range(2):
            put(client, "subjects", [row | {"version": 1, "state": "{}"} for row in rows])
            put(client, "subjects", rows)
        yield client


def _within(one: Told, seconds: int, buckets: int) -> bool:
    last = to_us(END) // 1_000_000 // seconds
    return last - buckets < to_us(one.at) // 1_000_000 // seconds <= last


Key = tuple[str, str, str, str]


def _summed(seconds: int, buckets: int) -> dict[Key, tuple[int, int]]:
    sums: defaultdict[Key, tuple[int, int]] = defaultdict(lambda: (0, 0))
    for one in TOLD:
        if _within(one, seconds, buckets):
            key = (one.tenant, one.agent, *one.about)
            sums[key] = (sums[key][0] + one.events, sums[key][1] + one.bad)
    return dict(sums)


def _key(row: dict[str, Any]) -> Key:
    return (row["tenant"], row["agent"], row["rate"], row["of"])


def _share(sums: tuple[int, int], target: float) -> Any:
    return None if not sums[0] or target == 1 else pytest.approx(sums[1] / sums[0] / (1 - target))


def test_objectives(store: Client) -> None:
    expected = _summed(86_400, 28)
    rows = ask(store, TOOLS + "Objectives", LAST_DAYS)
    assert {_key(row) for row in rows} == set(expected)
    assert len(rows) == len(AGENTS) * len(OBJECTIVES)
    for row in rows:
        target, sums = OBJECTIVES[row["rate"], row["of"]].target, expected[_key(row)]
        assert (row["target"], row["events"], row["bad"]) == (target, *sums)
        assert row["kept"] == pytest.approx(1 - sums[1] / sums[0])
        assert row["budget_used"] == _share(sums, target)


def test_one_tenant_and_agent_can_be_chosen(store: Client) -> None:
    rows = ask(store, TOOLS + "Objectives", LAST_DAYS, tenant=["acme"], agent=["billing/eu"])
    assert {(row["tenant"], row["agent"]) for row in rows} == {("acme", "billing/eu")}


def test_burn_rates(store: Client) -> None:
    rows = ask(store, TOOLS + "Burn rates", LAST_DAYS)
    for pair in PAIRS:
        long, short = (_summed(pair.span.seconds, buckets) for buckets in (pair.long, pair.short))
        found = {_key(row): row for row in rows if row["pair"] == pair.name}
        assert set(found) == set(long)
        for key, row in found.items():
            target = OBJECTIVES[key[2], key[3]].target
            assert (row["events"], row["bad"]) == long[key]
            assert row["long_burn"] == _share(long[key], target)
            assert row["short_burn"] == _share(short.get(key, (0, 0)), target)
            if target < 1:
                limit = min(pair.rate * (1 - target), (2 - target) / 2)
                assert row["alarms_above"] == pytest.approx(limit / (1 - target))


def test_what_burns_is_said_as_stage_2_says_it(store: Client) -> None:
    burning = {(*_key(row), row["pair"]) for row in ask(store, TOOLS + "Burn rates", LAST_DAYS) if row["state"]}
    said = {
        (*_key(row), pair)
        for row in ask(store, TOOLS + "Objectives", LAST_DAYS)
        for pair in filter(None, row["burns"].split(", "))
    }
    assert burning == said
    assert {pair for *_, pair in burning} >= {"fast"}


def test_what_each_day_used(store: Client) -> None:
    sums: defaultdict[tuple[datetime, str], list[int]] = defaultdict(lambda: [0, 0])
    for one in TOLD:
        if one.tenant == "acme" and OBJECTIVES[one.about].target < 1:
            day = one.at.replace(hour=0, minute=0)
            sums[day, f"{one.agent} {one.about[0]} of {one.about[1]}"][0] += one.events
            sums[day, f"{one.agent} {one.about[0]} of {one.about[1]}"][1] += one.bad
    targets = {f"{rate} of {of}": objective.target for (rate, of), objective in OBJECTIVES.items()}
    rows = ask(store, TOOLS + "Error budget used by day", LAST_DAYS, tenant=["acme"])
    assert {(row["time"].replace(tzinfo=UTC), row["name"]): row["burn"] for row in rows} == pytest.approx(
        {key: bad / events / (1 - targets[key[1].split(" ", 1)[1]]) for key, (events, bad) in sums.items()}
    )


def _step_of(at: str, step: timedelta) -> datetime:
    moment = datetime.fromisoformat(at)
    return moment - (moment - datetime(1970, 1, 1, tzinfo=UTC)) % step


def _results(span: Range, step: timedelta) -> dict[datetime, list[Call]]:
    """Answered calls of the fleet, by the step in which they were answered."""
    steps: defaultdict[datetime, list[Call]] = defaultdict(list)
    for row in events(SMALL):
        at = _step_of(row["occurred_at"], step)
        if row["type"] == "tool_result" and span.since <= at <= span.until:
            steps[at].append(Call(row["tool_name"], row["data"]["status"], row["data"]["duration_us"]))
    return steps


STEPS = [(LAST_HOUR, timedelta(minutes=1)), (LAST_DAYS, timedelta(hours=1))]


@pytest.mark.parametrize(("span", "step"), STEPS)
def test_error_share(fleet_store: Client, span: Range, step: timedelta) -> None:
    groups: defaultdict[tuple[datetime, str], list[bool]] = defaultdict(list)
    for at, calls in _results(span, step).items():
        for call in calls:
            groups[at, call.tool].append(call.status != "ok")
    said = {
        (row["time"].replace(tzinfo=UTC), row["name"]): row["share"]
        for row in ask(fleet_store, TOOLS + "Error share", span)
    }
    assert said == pytest.approx({key: sum(bad) / len(bad) for key, bad in groups.items()})
    assert {0, 1} < set(said.values())


@pytest.mark.parametrize(("span", "step"), STEPS)
def test_time_to_a_tools_result(fleet_store: Client, span: Range, step: timedelta) -> None:
    steps = _results(span, step)
    said = ask(fleet_store, TOOLS + "Time to a tool's result", span)
    assert {row["time"].replace(tzinfo=UTC) for row in said} == set(steps)
    for row in said:
        seconds = sorted(call.duration_us / 1e6 for call in steps[row["time"].replace(tzinfo=UTC)])
        for name, share in (("p50", 0.5), ("p95", 0.95), ("p99", 0.99)):
            rank = share * (len(seconds) - 1)
            # Within one percent of the call of that rank, which may lie between two.
            assert seconds[floor(rank)] * 0.99 <= row[name] <= seconds[ceil(rank)] * 1.01


@pytest.mark.parametrize(("span", "step"), STEPS)
def test_calls(fleet_store: Client, span: Range, step: timedelta) -> None:
    expected: defaultdict[tuple[datetime, str], int] = defaultdict(int)
    for row in events(SMALL):
        at = _step_of(row["occurred_at"], step)
        if row["type"] == "tool_call" and span.since <= at <= span.until:
            expected[at, row["tool_name"]] += 1
    said = {
        (row["time"].replace(tzinfo=UTC), row["name"]): row["calls"] for row in ask(fleet_store, TOOLS + "Calls", span)
    }
    # A minute of which only the result is told has no call.
    assert {key: calls for key, calls in said.items() if calls} == expected
