"""The board Quality over a small fleet, stored twice as a replay does it: what it says, computed again in Python."""

from __future__ import annotations

import math
import random
from collections import defaultdict
from collections.abc import Iterator, Sequence
from datetime import UTC, timedelta
from typing import Any, NamedTuple

import pytest
from board_asking import END, LAST_DAYS, LAST_HOUR, Row, ask, fresh_store, one, put
from board_fleet import Session, finding, fleet
from clickhouse_connect.driver import Client

from watchkeeper.dashboards.grafana.macros import Range
from watchkeeper.schemas.policy_quality import QualityRules
from watchkeeper.schemas.signals import Scored, quality_subject
from watchkeeper.stream_processors.detection.drift.watch import evidence
from watchkeeper.stream_processors.detection.subject_rules.quality_drift import QualityDrift, QualityDriftState
from watchkeeper.stream_processors.detection.subjects import SubjectState

QUALITY = "watchkeeper-quality: "
FLEET = fleet(seed=11, sessions=120)


class Graded(NamedTuple):
    """One score of one session."""

    session: Session
    grader: str
    value: float | None
    passed: bool | None
    inclusion: float
    cost: float


def _graded() -> list[Graded]:
    dice = random.Random(5)
    made: list[Graded] = []
    for session in FLEET:
        inclusion = dice.choice([1.0, 0.5, 0.1])
        for grader in ("exact@1", "judge@2"):
            if dice.random() < 0.1:
                made.append(Graded(session, grader, None, None, inclusion, 0.0))
            elif grader == "judge@2":
                good = dice.random() < 0.8
                made.append(Graded(session, grader, float(good), good, inclusion, 0.01))
            else:
                value = round(dice.random(), 3)
                made.append(Graded(session, grader, value, value > 0.3, inclusion, 0.0))
    return made


GRADED = _graded()


def score(told: Graded, *, again: bool) -> Row:
    """A row of `scores`; one that was graded before says something else."""
    session = told.session
    at = session.started + session.lasted
    value = told.value if again or told.value is None else 0.123
    return {
        "tenant_id": session.tenant,
        "score_id": f"{session.session_id}-{told.grader}",
        "schema_version": 1,
        "subject": "s",
        "origin": "live",
        "source": "live",
        "session_id": session.session_id,
        "agent_id": session.agent,
        "agent_version": session.version,
        "model": session.responses[0].model,
        "prompt_version": "",
        "intent": session.intent,
        "environment": "",
        "retention_class": "standard",
        "suite": "",
        "case_id": "",
        "run_id": "",
        "grader": told.grader,
        "target": "",
        "result_type": "failure" if told.value is None else "number",
        "passed": told.passed if again else None,
        "value": value,
        "label": "",
        "reason": "",
        "criteria": "[]",
        "inclusion": told.inclusion,
        "stratum": "uniform",
        "occurred_at": at.isoformat(),
        "graded_at": (at + timedelta(minutes=2 if again else 1)).isoformat(),
        "cost_usd": told.cost,
    }


def labels() -> list[Row]:
    """Rows of `labels` of every second session, said again by the same person where the number is a multiple of 4."""
    rows: list[Row] = []
    for number, session in enumerate(FLEET[::2]):
        rows += [_label(session, number, turn) for turn in range(2 if number % 2 == 0 else 1)]
    return rows


def _label(session: Session, number: int, turn: int) -> Row:
    at = (session.started + session.lasted).isoformat()
    keys = ("agent_version", "model", "prompt_version", "intent", "environment", "rubric", "note", "draw_id")
    return dict.fromkeys(keys, "") | {
        "tenant_id": session.tenant,
        "label_id": f"{session.session_id}-{turn}",
        "session_id": session.session_id,
        "origin": "live",
        "agent_id": session.agent,
        "agent_version": session.version,
        "retention_class": "standard",
        "way": "terminal",
        "skipped": False,
        "passed": _opinion(number) if turn == (1 if number % 2 == 0 else 0) else not _opinion(number),
        "value": None,
        "criteria": "[]",
        "given_by": "ada",
        "given_at": (END + timedelta(minutes=turn)).isoformat(),
        "occurred_at": at,
        "inclusion": None,
    }


def _opinion(number: int) -> bool:
    return number % 3 != 0


def drifting() -> tuple[QualityDriftState, Row]:
    """The state of an agent one of whose graders begins to be worse, folded by the rule itself."""
    rules = QualityRules(baseline=100, baseline_days=2, promise=5000)
    rule, state = QualityDrift(), QualityDriftState(rules=rules.model_dump_json())
    dice = random.Random(3)
    for number in range(400):
        good = dice.random() < (0.9 if number < 370 else 0.7)
        told = [("groundedness@1", float(good))] + [("late@1", 1.0)] * (number >= 370)
        for grader, value in told:
            assert list(rule.fold(state, _signal(number, grader, value))) == []
    subject = quality_subject("acme", "live", "support")
    held = SubjectState(subject, "acme", "live", "support", folds={"quality_drift": [1, state]})
    row = {"source_partition": 0, "subject": subject, "version": 2, "tenant_id": "acme", "origin": "live"}
    return state, row | {"state": held.dump().decode()}


def _signal(number: int, grader: str, value: float) -> Scored:
    return Scored(
        signal_id=f"{grader}-{number}",
        subject=quality_subject("acme", "live", "support"),
        tenant_id="acme",
        origin="live",
        session_id=f"s{number}",
        agent_id="support",
        occurred_at=END - timedelta(hours=400 - number),
        source_partition=0,
        source_offset=number,
        score_id=f"{grader}-{number}",
        source="live",
        grader=grader,
        result_type="number",
        value=value,
    )


def verdict(number: int, verdict: str, *, mode: str, at: int) -> Row:
    return {
        "tenant_id": "acme",
        "finding_id": f"f{number}",
        "verdict_id": f"v{number}-{at}",
        "verdict": verdict,
        "reason": "r",
        "given_by": "ada",
        "given_at": (END - timedelta(minutes=30 - at)).isoformat(),
        "muted_until": None,
        "revision": 0,
        "failure_mode": mode,
        "kind": "k",
        "rule_id": mode,
        "rule_version": 1,
        "agent_id": "support",
        "about": "",
    }


VERDICTS = [
    verdict(1, "wrong", mode="data_leak", at=0),
    verdict(1, "ack", mode="data_leak", at=1),
    verdict(1, "mute", mode="data_leak", at=2),
    verdict(2, "wrong", mode="data_leak", at=0),
    verdict(3, "ack", mode="data_leak", at=0),
    verdict(4, "mute", mode="scope_creep", at=0),
]

DRIFT = {
    "stream": "judge@2", "family": "graders", "unit": "score", "direction": "fall", "before": 0.9, "after": 0.7,
    "change_low": -0.3, "change_high": -0.1,
    "segments": [
        {"dimension": "intent", "name": "refund", "share_before": 0.5, "share_after": 0.5, "before": 0.9, "after": 0.5,
         "low": -0.5, "high": -0.3, "within": -0.2, "mix": 0.0},
        {"dimension": "intent", "name": "order", "share_before": 0.5, "share_after": 0.5, "before": 0.9, "after": 0.9,
         "low": -0.1, "high": 0.1, "within": 0.0, "mix": 0.01},
    ],
}  # fmt: skip


def samples() -> list[Row]:
    """Rows of `eval_samples`: drawn first, then as it ended."""
    rows: list[Row] = []
    for number, session in enumerate(FLEET):
        last = ("passed_over", "scored", "scored", "cut", "unreadable")[number % 5]
        at = session.started.isoformat()
        row = {
            "tenant_id": session.tenant, "session_id": session.session_id, "agent_id": session.agent,
            "agent_version": session.version, "intent": session.intent, "origin": "live", "ended_at": at,
            "decided_at": at, "graded_at": None, "stratum": "uniform" if number % 2 else "risk", "place": 0.1,
            "inclusion": 0.5, "state": "drawn", "attempts": 0, "scores": 0, "cost_usd": None, "note": "", "version": 1,
        }  # fmt: skip
        rows += [row] if last in {"scored", "unreadable"} else []
        rows.append(row | {"state": last, "version": 2, "cost_usd": 0.5 if last == "scored" else None})
    return rows


def run(number: int, state: str, mean: float | None, version: int) -> Row:
    at = END - timedelta(minutes=50 - 10 * number)
    return {
        "run_id": f"r{number}", "job": "nightly", "suite": "refunds@3", "target": "support@2", "tenant_id": "acme",
        "agent_id": "support", "trigger": "schedule", "what": "", "due_at": at.isoformat(), "missed": 0,
        "started_at": at.isoformat(), "ended_at": (at + timedelta(seconds=90)).isoformat(), "state": state, "done": 9,
        "total": 10, "failures": 1, "mean": mean, "compared": "", "note": "", "version": version,
    }  # fmt: skip


STATE, SUBJECT = drifting()


@pytest.fixture(scope="module")
def store(clickhouse: str) -> Iterator[Client]:
    drift = finding(FLEET[0], "quality_drift", "drifted_scores", "drift", DRIFT, severity="high")
    rows = {
        "scores": [score(told, again=again) for told in GRADED for again in (False, True)],
        "labels": labels(),
        "verdicts": VERDICTS,
        "findings": [drift],
        "subjects": [SUBJECT | {"version": 1, "state": "{}"}, SUBJECT],
        "eval_samples": samples(),
        "eval_runs": [run(1, "running", None, 1), run(1, "done", 0.8, 2), run(2, "fell", 0.5, 2)],
    }
    with fresh_store(clickhouse) as (client, _):
        for _ in range(2):
            for table, listed in rows.items():
                put(client, table, listed)
        yield client


def within(span: Range, **choice: str) -> list[Graded]:
    return [
        told
        for told in GRADED
        if span.since <= told.session.started + told.session.lasted <= span.until
        and all(getattr(told.session, name) == value for name, value in choice.items())
    ]


def wilson(told: Sequence[Graded]) -> tuple[float, float, float]:
    """The weighted mean, and the roots of (mean - p)^2 = z^2 p (1 - p) / n, by the formula for quadratic equations."""
    weighed = [(1 / one.inclusion, one.value) for one in told if one.value is not None]
    total = sum(weight for weight, _ in weighed)
    mean = sum(weight * value for weight, value in weighed) / total
    n = total**2 / sum(weight**2 for weight, _ in weighed)
    z2 = 1.96**2
    a, b, c = 1 + z2 / n, -(2 * mean + z2 / n), mean**2
    root = math.sqrt(max(b * b - 4 * a * c, 0))
    return mean, (-b - root) / (2 * a), (-b + root) / (2 * a)


@pytest.mark.parametrize(("span", "choice"), [(LAST_HOUR, {}), (LAST_DAYS, {}), (LAST_DAYS, {"intent": "refund"})])
def test_figures_and_graders(store: Client, span: Range, choice: dict[str, str]) -> None:
    told = within(span, **choice)
    asked = {name: [value] for name, value in choice.items()}
    graded = {(one.session.tenant, one.session.session_id) for one in told if one.value is not None}
    assert one(ask(store, QUALITY + "Sessions graded", span, **asked)) == len(graded)
    failed = sum(one.value is None for one in told) / len(told)
    assert one(ask(store, QUALITY + "Graders that could not say", span, **asked)) == pytest.approx(failed)
    assert one(ask(store, QUALITY + "Spent on grading", span, **asked)) == pytest.approx(sum(t.cost for t in told))
    rows = ask(store, QUALITY + "Graders", span, **asked)
    assert [row["grader"] for row in rows] == ["exact@1", "judge@2"]
    for row in rows:
        own = [one for one in told if one.grader == row["grader"]]
        assert [row["mean_score"], row["low"], row["high"]] == pytest.approx(wilson(own))
        assert row["failures"] == sum(one.value is None for one in own)
        weights = {good: sum(1 / one.inclusion for one in own if one.passed is good) for good in (True, False)}
        assert row["passed"] == pytest.approx(weights[True] / sum(weights.values()))


def test_scores_over_time_with_their_intervals(store: Client) -> None:
    hours: defaultdict[tuple[Any, str], list[Graded]] = defaultdict(list)
    for told in within(LAST_DAYS):
        end = told.session.started + told.session.lasted
        if told.value is not None:
            hours[end.replace(minute=0, second=0, microsecond=0), told.grader].append(told)
    rows = ask(store, QUALITY + "Scores", LAST_DAYS)
    said = {(row["time"].replace(tzinfo=UTC), row["name"]): row["score"] for row in rows}
    expected = {
        (time, grader + suffix): value
        for (time, grader), listed in hours.items()
        for suffix, value in zip(("", " low", " high"), wilson(listed), strict=True)
    }
    assert said == pytest.approx(expected)


def test_segments(store: Client) -> None:
    rows = ask(store, QUALITY + "Segments", LAST_DAYS)
    assert [row["mean"] for row in rows] == sorted(row["mean"] for row in rows)
    of_refunds = {row["grader"]: row for row in rows if (row["dimension"], row["segment"]) == ("intent", "refund")}
    for grader, row in of_refunds.items():
        own = [told for told in within(LAST_DAYS, intent="refund") if told.grader == grader]
        assert [row["mean"], row["low"], row["high"]] == pytest.approx(wilson(own))
        assert row["scored"] == sum(told.value is not None for told in own)
    assert set(of_refunds) == {"exact@1", "judge@2"}


def test_drift_statistics_are_the_rule_s_own(store: Client) -> None:
    rows = {row["stream"]: row for row in ask(store, QUALITY + "Drift statistics", LAST_DAYS)}
    watched, late = STATE.streams["graders/groundedness@1"], STATE.streams["graders/late@1"]
    row = rows["graders/groundedness@1"]
    assert watched["watch"] is not None
    assert watched["baseline"] is not None
    assert row["state"] == "watching"
    assert row["evidence"] == pytest.approx(evidence(watched["watch"]))
    assert row["evidence"] > 0.001
    assert row["baseline_mean"] == pytest.approx(watched["baseline"]["mean"])
    assert row["held_against"] == pytest.approx(watched["watch"]["limit"])
    assert row["scores_since"] == watched["watch"]["scores"]
    assert (row["agent"], row["tenant"]) == ("support", "acme")
    assert rows["graders/late@1"]["state"] == "gathering"
    assert rows["graders/late@1"]["scores_of_baseline"] == 30
    assert late["baseline"] is None
    assert ask(store, QUALITY + "Drift statistics", LAST_DAYS, agent=["billing"]) == []


def test_alarms_and_where_it_moved(store: Client) -> None:
    (alarm,) = ask(store, QUALITY + "Drift alarms", LAST_DAYS)
    assert (alarm["mode"], alarm["before"], alarm["after"]) == ("quality_drift", 0.9, 0.7)
    assert (alarm["change_low"], alarm["change_high"], alarm["tenant"]) == (-0.3, -0.1, FLEET[0].tenant)
    assert one(ask(store, QUALITY + "Open drift alarms", LAST_DAYS)) == 1
    moved = ask(store, QUALITY + "Where it moved", LAST_DAYS)
    assert [(row["name"], row["worse_itself"], row["more_of_it"]) for row in moved] == [
        ("refund", -0.2, 0.0),
        ("order", 0.0, 0.01),
    ]


def test_graders_and_people(store: Client) -> None:
    opinions = {s.session_id: _opinion(number) for number, s in enumerate(FLEET[::2])}
    for row in ask(store, QUALITY + "Graders and people", LAST_DAYS):
        pairs = [
            (told.passed, opinions[told.session.session_id])
            for told in GRADED
            if told.grader == row["grader"] and told.passed is not None and told.session.session_id in opinions
        ]
        counts = {pair: pairs.count(pair) for pair in ((True, True), (False, False), (True, False), (False, True))}
        assert [row[name] for name in ("both_good", "both_bad", "missed", "too_strict")] == list(counts.values())
        agreed = (counts[True, True] + counts[False, False]) / len(pairs)
        chance = sum(
            (sum(p is said for p, _ in pairs) / len(pairs)) * (sum(q is said for _, q in pairs) / len(pairs))
            for said in (True, False)
        )
        assert row["agreement"] == pytest.approx(agreed)
        assert row["kappa"] == pytest.approx((agreed - chance) / (1 - chance))


def test_findings_that_people_judged(store: Client) -> None:
    (row,) = ask(store, QUALITY + "Findings that people judged", LAST_HOUR)
    assert (row["mode"], row["right"], row["wrong"]) == ("data_leak", 2, 1)
    assert row["precision"] == pytest.approx(2 / 3)
    assert (row["low"], row["high"]) == pytest.approx((0.2077, 0.9385), abs=1e-4)


def test_suites_and_sampling(store: Client) -> None:
    rows = ask(store, QUALITY + "Suites", LAST_HOUR)
    assert [(row["name"], row["score"]) for row in rows] == [("refunds@3 support@2", 0.8), ("refunds@3 support@2", 0.5)]
    runs = ask(store, QUALITY + "Runs of suites", LAST_HOUR)
    assert [(row["state"], row["mean"], row["lasted"]) for row in runs] == [("fell", 0.5, 90), ("done", 0.8, 90)]
    rows = ask(store, QUALITY + "Sampling", LAST_DAYS)
    assert sum(row["drawn"] for row in rows) == len(FLEET) * 4 // 5
    assert sum(row["scored"] for row in rows) == len(FLEET) * 2 // 5
    assert sum(row["waiting"] for row in rows) == 0
    assert sum(row["cut"] for row in rows) == sum(row["unreadable"] for row in rows) == len(FLEET) // 5
    assert sum(row["spend"] for row in rows) == pytest.approx(0.5 * len(FLEET) * 2 / 5)
