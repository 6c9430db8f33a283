"""The rule on inputs: what it tells of another mix, when it stays quiet, and how large its state grows."""

from __future__ import annotations

import random
from typing import Any

import pytest

from watchkeeper.schemas.evidence import ShiftedMix, ShiftedTexts
from watchkeeper.schemas.findings import Finding
from watchkeeper.schemas.model import from_us
from watchkeeper.schemas.policy_quality import QualityRules
from watchkeeper.schemas.scores import CriterionScore
from watchkeeper.schemas.signals import Scored, SessionFared, Signal, quality_subject
from watchkeeper.stream_processors.detection.subject_rules.input_drift import InputDrift
from watchkeeper.stream_processors.detection.subject_rules.quality_drift import QualityDrift
from watchkeeper.stream_processors.detection.subjects import SubjectJudge, SubjectState, load_subject

DAY_US = 86_400_000_000
START_US = 1_767_225_600_000_000
RULES = QualityRules(inputs=["intents"], online=[], promise=1000, baseline=300, baseline_days=7)
USUAL = {"refund": 5.0, "track": 4.0, "faq": 1.0}


class Agent:
    """Sessions of one agent, and what stage 2 finds of what they are about."""

    def __init__(self, rules: QualityRules = RULES, seed: int = 5) -> None:
        self.rules, self.draw, self.number = rules, random.Random(seed), 0
        self.judge = SubjectJudge([InputDrift(), QualityDrift()], strict=True)
        self.state: SubjectState | None = None
        self.findings: list[Finding] = []

    @property
    def at_us(self) -> int:
        return START_US + self.number * DAY_US // 60

    def header(self) -> dict[str, Any]:
        place = {"source_partition": 0, "source_log": "l", "source_offset": self.number, "ordinal": 0}
        about = {"subject": quality_subject("t", "live", "a"), "tenant_id": "t", "origin": "live", "agent_id": "a"}
        session = f"s-{self.number:05}"
        return {"signal_id": session, "session_id": session, "occurred_at": from_us(self.at_us), **about, **place}

    def hear(self, signal: Signal) -> None:
        self.state = self.state or self.judge.open(signal)
        self.findings += self.judge.step(self.state, signal, clock_us=self.at_us).findings
        self.number += 1

    def days(self, days: float, weights: dict[str, float], **told: Any) -> None:
        for _ in range(round(days * 60)):
            (intent,) = self.draw.choices(list(weights), list(weights.values()))
            self.hear(SessionFared(**self.header(), intent=intent, rules=self.rules, **told))


def test_a_new_intent_is_told_with_its_moment_and_then_learned_as_usual() -> None:
    agent = Agent()
    agent.days(25, USUAL)
    assert agent.findings == []
    agent.days(40, USUAL | {"visa": 2.0})
    weekday = [
        one for one in agent.findings if isinstance(one.evidence, ShiftedMix) and one.evidence.phase == "weekday"
    ]
    (finding,) = weekday
    told = finding.evidence
    assert isinstance(told, ShiftedMix)
    assert told.new == ["visa"]
    assert told.moved[0].category == "(new)"
    assert abs((told.moved[0].since - from_us(START_US + 25 * DAY_US)).total_seconds()) < 3 * 86_400
    assert told.baseline_sessions >= 300
    assert finding.severity == "medium"
    assert "visa" in finding.summary
    assert len(told.examples) == 5


def test_what_goes_through_the_store_is_told_alike() -> None:
    straight, back = Agent(), Agent()
    for agent in (straight, back):
        for day in range(35):
            agent.days(1, USUAL if day < 25 else {"faq": 1.0})
            if agent is back:
                assert agent.state is not None
                agent.state = load_subject(agent.state.dump())
    assert straight.findings
    assert straight.findings == back.findings


def test_a_change_by_less_than_counts_is_none() -> None:
    agent = Agent(RULES.model_copy(update={"min_effect": 0.5}))
    agent.days(25, USUAL)
    agent.days(20, {"refund": 4.0, "track": 4.0, "faq": 2.0})
    assert agent.findings == []


def test_what_is_accepted_is_gathered_anew() -> None:
    agent = Agent()
    agent.days(25, USUAL)
    agent.rules = RULES.model_copy(update={"baseline_since": from_us(START_US + 25 * DAY_US)})
    agent.days(30, {"faq": 1.0})
    assert agent.findings == []


@pytest.mark.parametrize("passed", [True, False])
def test_texts_that_the_scheduler_found_to_differ_are_told_with_their_terms(passed: bool) -> None:
    agent = Agent()
    terms = [CriterionScore(name="visa", value=0.12, note="0.010 before")]
    window = agent.header() | {"session_id": "2026-02-01 to 2026-02-07"}
    score = Scored(
        **window, score_id="x", source="live", grader="inputs@1", result_type="pass", passed=passed,
        value=float(passed), label="p 0.0002, AUC 0.71", criteria=terms,
    )  # fmt: skip
    agent.hear(score)
    if passed:
        assert agent.findings == []
        return
    (finding,) = agent.findings
    told = finding.evidence
    assert isinstance(told, ShiftedTexts)
    assert (told.window, told.compared_by, told.reason) == (
        "2026-02-01 to 2026-02-07",
        "inputs@1",
        "p 0.0002, AUC 0.71",
    )
    assert [(one.term, one.after, one.note) for one in told.moved] == [("visa", 0.12, "0.010 before")]


@pytest.mark.parametrize("days", [6, 40])
def test_the_state_stays_small(days: int) -> None:
    agent = Agent(QualityRules(online=[], baseline_days=7))
    for number in range(days * 60):
        tools = agent.draw.sample([f"tool-{one}" for one in range(30)], 4)
        problems = agent.draw.sample(["missing usage", "malformed arguments"], agent.draw.randrange(2))
        told: dict[str, Any] = {
            "intent": f"intent-{number % 50}",
            "tools": tools,
            "problems": problems,
            "rules": agent.rules,
        }
        agent.hear(SessionFared(**agent.header(), **told))
    assert agent.state is not None
    assert len(agent.state.dump()) < 64 * 1024
