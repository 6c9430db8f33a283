"""A comparison of texts becomes a score, the score a signal, the signal a finding with the terms that moved."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime

import pytest

from watchkeeper.evals.input_drift.prompts import MovedTerm, PromptDrift
from watchkeeper.evals.input_drift.telling import score_of
from watchkeeper.schemas.evidence import ShiftedTexts
from watchkeeper.schemas.scores import Score
from watchkeeper.schemas.signals import SIGNAL_ADAPTER
from watchkeeper.stream_processors.detection.subjects import SubjectJudge
from watchkeeper.stream_processors.engine.memory import MemoryClock
from watchkeeper.stream_processors.engine.memory_store import MemoryStore
from watchkeeper.stream_processors.engine.ports import Record
from watchkeeper.stream_processors.engine.stage_scores import StageScores

WINDOW = "2026-02-01 to 2026-02-07"


def score(p: float, agent: str = "clerk") -> Score:
    found = PromptDrift(p, 0.71, 500, 300, 1000, (MovedTerm("visa", 0.01, 0.12, 0.06, 0.16),))
    at = datetime(2026, 2, 8, tzinfo=UTC)
    return score_of(found, tenant_id="t", origin="live", agent_id=agent, window=WINDOW, ended_at=at, graded_at=at)


@pytest.mark.parametrize(("p", "told"), [(0.0002, True), (0.4, False)])
def test_a_window_that_differs_is_a_finding_with_its_terms(p: float, told: bool) -> None:
    one = score(p)
    record = Record("agent.scores", 0, 0, one.subject.encode(), one.model_dump_json().encode(), 0)
    clock = MemoryClock()
    stage = StageScores(MemoryStore(clock), clock)
    (message,) = stage.judge(asyncio.run(stage.prepare([record]))).messages
    signal = SIGNAL_ADAPTER.validate_json(message.value)
    judge = SubjectJudge(strict=True)
    findings = judge.step(judge.open(signal), signal, clock_us=0).findings
    assert bool(findings) == told
    for finding in findings:
        evidence = finding.evidence
        assert finding.failure_mode == "input_drift"
        assert isinstance(evidence, ShiftedTexts)
        assert evidence.window == WINDOW
        assert [(term.term, term.after, term.note) for term in evidence.moved] == [("visa", 0.12, "0.010 before")]
        assert "AUC 0.71" in evidence.reason


def test_compared_again_it_is_the_same_score_and_another_agents_is_another() -> None:
    assert score(0.1).score_id == score(0.2).score_id
    assert score(0.1).score_id != score(0.1, "other").score_id
