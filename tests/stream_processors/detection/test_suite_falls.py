"""A run of a suite that fell is a finding; one that did not, and single cases, are none."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from watchkeeper.schemas.evidence import FellSuite
from watchkeeper.schemas.findings import Finding
from watchkeeper.schemas.model import to_us
from watchkeeper.schemas.scores import SUITE_GRADER
from watchkeeper.schemas.signals import Scored, quality_subject
from watchkeeper.stream_processors.detection.subject_rules.quality_drift import QualityDrift
from watchkeeper.stream_processors.detection.subjects import SubjectJudge

AT = datetime(2026, 2, 1, 3, 4, tzinfo=UTC)
WHY = "suite fell by 12.0 points (95 % interval 6.1 to 18.2 points) over 300 cases"


def heard(**given: Any) -> list[Finding]:
    told: dict[str, Any] = {
        "signal_id": "s",
        "subject": quality_subject("acme", "live", "desk"),
        "tenant_id": "acme",
        "origin": "live",
        "agent_id": "desk",
        "session_id": "run-7",
        "occurred_at": AT,
        "source_partition": 0,
        "source_log": "log",
        "source_offset": 1,
        "ordinal": 0,
        "score_id": "s",
        "source": "suite",
        "grader": f"{SUITE_GRADER}@1",
        "suite": "refunds@3",
        "target": "desk@1",
        "result_type": "pass",
        "passed": False,
        "value": 0.0,
        "label": WHY,
    }
    signal = Scored(**(told | given))
    judge = SubjectJudge([QualityDrift()], strict=True)
    return list(judge.step(judge.open(signal), signal, clock_us=to_us(AT)).findings)


def test_a_run_that_fell_is_told_with_its_suite_its_target_and_why() -> None:
    (finding,) = heard()
    assert (finding.failure_mode, finding.severity, finding.kind) == ("quality_drift", "high", "fell_suite")
    assert finding.evidence == FellSuite(
        suite="refunds@3", target="desk@1", run="run-7", reason=WHY, compared_by="suite_comparison@1"
    )
    assert "refunds@3" in finding.summary
    assert "desk@1" in finding.summary


def test_told_twice_it_is_the_same_finding_and_another_run_is_another() -> None:
    (first,), (again,), (other,) = heard(), heard(source_offset=9), heard(session_id="run-8")
    assert first.finding_id == again.finding_id != other.finding_id


@pytest.mark.parametrize(
    "given",
    [
        {"passed": True, "value": 1.0},
        {"grader": "groundedness@1"},
        {"grader": "suite_comparison_of_mine@1"},
        {"result_type": "failure", "passed": None, "value": None},
    ],
)
def test_what_did_not_fall_is_silent(given: dict[str, Any]) -> None:
    assert heard(**given) == []
