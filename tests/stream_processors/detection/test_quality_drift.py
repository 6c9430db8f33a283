"""The rule on scores: what it tells of a fall, when it stays quiet and when it speaks again; how large its state is."""

from __future__ import annotations

import random
from collections.abc import Iterator
from typing import Any

import orjson
import pytest

from watchkeeper.schemas.evidence import DriftedScores
from watchkeeper.schemas.findings import Finding
from watchkeeper.schemas.model import from_us
from watchkeeper.schemas.policy_quality import MEASURES, GraderRule, QualityRules
from watchkeeper.schemas.signals import Scored, SessionFared, Signal, quality_subject
from watchkeeper.stream_processors.detection.subject_rules.quality_drift import QualityDrift
from watchkeeper.stream_processors.detection.subjects import SubjectJudge, SubjectState, load_subject

DAY_US = 86_400_000_000
START_US = 1_767_225_600_000_000
RULES = QualityRules(online=[], promise=1000, baseline=300, baseline_days=7)


class Agent:
    """Sessions of one agent, scored, and what stage 2 finds of them."""

    def __init__(self, rules: QualityRules = RULES, seed: int = 3, a_day: int = 30) -> None:
        self.rules, self.draw, self.a_day = rules, random.Random(seed), a_day
        self.judge = SubjectJudge([QualityDrift()], strict=True)
        self.state: SubjectState | None = None
        self.findings: list[Finding] = []
        self.number = 0

    @property
    def at_us(self) -> int:
        return START_US + self.number * (DAY_US // self.a_day)

    def header(self, **ran: str) -> dict[str, Any]:
        told = {"intent": "refund", "agent_version": "1", "model": "m", "prompt_version": "p-1"} | ran
        place = {"source_partition": 0, "source_log": "l", "source_offset": self.number, "ordinal": 0}
        subject = quality_subject("t", "live", "a")
        about = {"subject": subject, "tenant_id": "t", "origin": "live", "agent_id": "a"}
        session = f"s-{self.number:05}"
        return {
            "signal_id": session,
            "session_id": session,
            "occurred_at": from_us(self.at_us),
            **about,
            **place,
            **told,
        }

    def hear(self, signal: Signal) -> None:
        self.state = self.state or self.judge.open(signal)
        self.findings += self.judge.step(self.state, signal, clock_us=self.at_us).findings

    def score(self, good: float | None, *, grader: str = "exact@1", inclusion: float = 1.0, **ran: str) -> Scored:
        failed: dict[str, Any] = (
            {"result_type": "failure"} if good is None else {"result_type": "number", "value": good}
        )
        return Scored(
            **self.header(**ran), score_id=f"{grader}-{self.number}", source="live", grader=grader,
            inclusion=inclusion, **failed,
        )  # fmt: skip

    def fared(self, **told: Any) -> SessionFared:
        return SessionFared(**self.header(), rules=self.rules, **told)

    def days(self, days: float, good: dict[str, float], *, online: bool = False, **ran: Any) -> None:
        """So many days; sessions of each intent go well with such a chance."""
        for _ in range(round(days * self.a_day)):
            intent = sorted(good)[self.draw.randrange(len(good))]
            if not self.number or online:
                self.hear(self.fared())
            self.hear(self.score(float(self.draw.random() < good[intent]), intent=intent, **ran))
            self.number += 1

    @property
    def told(self) -> list[Finding]:
        """As people see them: of each id the latest."""
        return list({finding.finding_id: finding for finding in self.findings}.values())


GOOD = {"faq": 0.95, "refund": 0.95, "returns": 0.95, "track": 0.95}
HASTY = GOOD | {"refund": 0.7, "returns": 0.7}


def test_a_fall_is_told_with_its_moment_its_intents_and_its_version() -> None:
    agent = Agent()
    agent.days(30, GOOD)
    assert agent.findings == []
    agent.days(30, HASTY, prompt_version="p-2")
    first, again = agent.findings
    assert (first.finding_id, first.revision, again.revision) == (again.finding_id, 0, 1)
    assert (again.severity, again.status, again.subject) == ("high", "open", "quality:t/live/a")
    told = again.evidence
    assert isinstance(told, DriftedScores)
    assert abs((told.since - from_us(START_US + 30 * DAY_US)).total_seconds()) < 3 * 86_400
    assert {one.name for one in told.segments if one.dimension == "intent"} == {"refund", "returns"}
    assert [(one.dimension, one.name, one.share) for one in told.versions] == [("prompt_version", "p-2", 1.0)]
    assert told.before == pytest.approx(0.95, abs=0.03)
    assert told.after_low < 0.825 < told.after_high
    assert told.change_high < 0
    assert told.promise == 1000
    assert len(told.examples) == 8
    assert "p-2" in again.summary
    assert again.first_event_at == told.since


def test_what_goes_through_the_store_is_told_alike() -> None:
    def stored(agent: Agent) -> Iterator[Finding]:
        for finding in agent.findings:
            yield finding.model_copy(update={"detected_at": None})

    straight, back = Agent(), Agent()
    for agent in (straight, back):
        for days, good in ((15, GOOD), (10, HASTY)):
            for _ in range(days):
                agent.days(1, good)
                if agent is back:
                    assert agent.state is not None
                    agent.state = load_subject(agent.state.dump())
    assert straight.findings
    assert list(stored(straight)) == list(stored(back))


def test_it_is_told_once_until_a_release_and_again_if_that_is_no_better() -> None:
    agent = Agent()
    agent.days(15, GOOD)
    agent.days(40, HASTY, prompt_version="p-2")
    assert len(agent.told) == 1
    agent.days(20, HASTY, prompt_version="p-3")
    assert len(agent.told) == 2


def test_a_release_that_mends_it_is_quiet() -> None:
    agent = Agent()
    agent.days(15, GOOD)
    agent.days(20, HASTY, prompt_version="p-2")
    agent.days(30, GOOD, prompt_version="p-3")
    assert len(agent.told) == 1


def test_what_a_person_accepts_is_learned_as_usual() -> None:
    agent = Agent()
    agent.days(15, GOOD)
    agent.days(20, HASTY)
    agent.rules = RULES.model_copy(update={"baseline_since": from_us(START_US + 17 * DAY_US)})
    agent.days(30, HASTY, online=True)
    assert len(agent.told) == 1
    agent.days(20, dict.fromkeys(GOOD, 0.5), online=True)
    assert len(agent.told) == 2
    assert isinstance(agent.findings[-1].evidence, DriftedScores)
    assert agent.findings[-1].evidence.before == pytest.approx(0.825, abs=0.05)


def test_a_dip_that_was_told_and_recovers_is_resolved() -> None:
    agent = Agent()
    agent.days(15, GOOD)
    agent.days(1.5, dict.fromkeys(GOOD, 0.1))
    assert [one.status for one in agent.told] == ["open"]
    agent.days(20, GOOD)
    assert [one.status for one in agent.told] == ["resolved"]
    agent.days(5, dict.fromkeys(GOOD, 0.1))
    assert [one.status for one in agent.told] == ["resolved", "open"]


def test_failures_to_grade_are_no_zeros() -> None:
    agent = Agent()
    agent.days(15, GOOD)
    for _ in range(500):
        agent.hear(agent.score(None))
        agent.number += 1
    assert agent.findings == []


def test_suites_and_graders_that_are_not_watched_are_not() -> None:
    rules = RULES.model_copy(update={"graders": {"exact": GraderRule(watch=False)}})
    agent = Agent(rules)
    agent.days(15, GOOD)
    agent.days(15, HASTY)
    assert agent.findings == []
    for _ in range(900):
        agent.hear(agent.score(float(agent.number < 500), grader="tone@1").model_copy(update={"source": "suite"}))
        agent.number += 1
    assert agent.findings == []


def test_a_grader_of_mistakes_is_watched_for_a_rise() -> None:
    agent = Agent(RULES.model_copy(update={"graders": {"exact": GraderRule(direction="rise")}}))
    agent.days(15, {"faq": 0.2})
    agent.days(15, {"faq": 0.05})
    assert agent.findings == []
    agent.days(15, {"faq": 0.6})
    assert len(agent.told) == 1


def test_risky_sessions_that_are_drawn_more_often_move_no_mean() -> None:
    """The share of risky ones in the sample grows; in production it does not: their weight falls as much."""
    agent = Agent()
    agent.hear(agent.fared())
    for number in range(2400):
        # Risky sessions are a tenth of all, and half as good.
        chosen = 1.0 if number >= 1000 else 0.2
        share = 0.1 * chosen / (0.1 * chosen + 0.9 * 0.2)
        risky = agent.draw.random() < share
        good = float(agent.draw.random() < (0.45 if risky else 0.95))
        agent.hear(agent.score(good, inclusion=chosen if risky else 0.2))
        agent.number += 1
    assert agent.findings == []


def test_a_busy_agents_baseline_is_thinned_until_the_days_have_passed() -> None:
    agent = Agent(a_day=400)
    agent.days(6.5, GOOD)
    assert agent.state is not None
    (stream,) = agent.state.folds["quality_drift"][1].streams.values()
    assert stream["baseline"] is None
    assert stream["stride"] == 8
    assert len(stream["packed"]) < 7 * 600
    agent.days(2, GOOD)
    assert agent.state.folds["quality_drift"][1].streams["graders/exact@1"]["baseline"]["scores"] >= 300
    agent.days(3, HASTY)
    assert len(agent.told) == 1


def test_a_baseline_that_cannot_fall_says_so_once() -> None:
    agent = Agent(RULES.model_copy(update={"min_effect": 0.4}))
    agent.days(30, {"faq": 0.2})
    (finding,) = agent.findings
    assert (finding.kind, finding.severity) == ("unjudged", "low")
    assert "give a smaller one" in finding.summary


@pytest.mark.parametrize("phase", ["gathering", "watching"])
def test_the_state_stays_small(phase: str) -> None:
    """All measures and a grader, many intents and versions that come and go."""
    agent = Agent(QualityRules(baseline_days=7), a_day=150)
    draw = agent.draw
    for number in range(900 if phase == "gathering" else 2400):
        ran: dict[str, Any] = {
            "intent": f"intent-{draw.randrange(40)}",
            "prompt_version": f"p-{number // 300}",
            "model": "gpt-4o-2024-08",
        }
        header = agent.header(**ran)
        measures = dict.fromkeys(MEASURES, 0.0) | {"cost": draw.random(), "latency": draw.random()}
        measures["tool_errors"] = draw.choice([0.0, 0.2])
        agent.hear(SessionFared(**header, measures=measures, rules=agent.rules))
        agent.hear(agent.score(float(draw.random() < 0.9), **ran))
        agent.number += 1
    assert agent.state is not None
    streams = agent.state.folds["quality_drift"][1].streams
    assert len(streams) == len(MEASURES) + 1
    sizes = {name: len(orjson.dumps(stream)) for name, stream in streams.items()}
    assert max(sizes.values()) < 16 * 1024, sizes
    assert len(agent.state.dump()) < 80 * 1024


def plan(agent: Agent, scores: int, *, uniform: float, risky: float) -> None:
    """Scores of sessions of which a tenth looks risky; those are worse, and are drawn more often."""
    heard = 0
    while heard < scores:
        looks_risky = agent.draw.random() < 0.1
        inclusion = risky if looks_risky else uniform
        if agent.draw.random() < inclusion:
            good = float(agent.draw.random() < (0.5 if looks_risky else 0.95))
            agent.hear(agent.score(good, inclusion=inclusion))
            agent.number += 1
            heard += 1


@pytest.mark.parametrize("seed", range(4))
def test_other_rates_are_no_drift(seed: int) -> None:
    agent = Agent(seed=seed)
    plan(agent, 520, uniform=0.2, risky=0.9)
    # A tenth of it for all: what is risky weighs as little as before, though it is drawn less often than anything was.
    plan(agent, 900, uniform=0.02, risky=0.09)
    assert agent.findings == []
