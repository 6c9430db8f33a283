"""Scores of graders: what they say, what they raise, and what they must not be."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import pytest

from watchkeeper.evals.grading.grade import Grade, Grader, failure, number, passed
from watchkeeper.evals.grading.running import UNNAMED_AGENT, Occasion, run_graders
from watchkeeper.evals.interaction import Interaction
from watchkeeper.evals.suites.case import Case
from watchkeeper.schemas.errors import ConfigurationError, TransientError
from watchkeeper.schemas.scores import SCORE_ADAPTER, score_id_of

NOW = datetime(2026, 3, 3, tzinfo=UTC)
LIVE = Occasion(source="live", graded_at=NOW)


@dataclass
class Says:
    """A grader that says what it is told to, or raises it."""

    says: Grade | Exception
    name: str = "says"
    version: str = "1"
    on: bool | Exception = True
    asked: list[str] = field(default_factory=list)

    def applies(self, interaction: Interaction, case: Case | None) -> bool:
        if isinstance(self.on, Exception):
            raise self.on
        return self.on

    def grade(self, interaction: Interaction, case: Case | None) -> Grade:
        self.asked.append(interaction.interaction_id)
        if isinstance(self.says, Exception):
            raise self.says
        return self.says


def test_a_score_says_of_what_by_whom_and_how_it_was_drawn(interaction: Any, case: Any) -> None:
    seen = interaction("Yes.", tenant_id="acme", agent_version="7", model="m", prompt_version="p2", intent="orders")
    occasion = Occasion(
        source="suite",
        graded_at=NOW,
        run_id="run-1",
        suite="refunds@3",
        target="support@7",
        inclusion=0.25,
        stratum="risk",
    )
    asked = case(intent="refund")
    (score,) = run_graders(
        [Says(Grade("number", 0.4, passed=False, reason="meagre", cost_usd=0.02))], seen, asked, occasion=occasion
    )
    assert score.score_id == score_id_of(
        tenant_id="acme",
        source="suite",
        session_id="session-1",
        grader="says@1",
        suite="refunds@3",
        case_id="c1",
        run_id="run-1",
    )
    assert score.subject == "score:acme/live/support"
    assert (score.value, score.passed, score.reason, score.cost_usd) == (0.4, False, "meagre", 0.02)
    assert (score.intent, score.agent_version, score.prompt_version, score.case_id) == ("refund", "7", "p2", "c1")
    assert (score.inclusion, score.stratum, score.target) == (0.25, "risk", "support@7")
    assert (score.occurred_at, score.graded_at) == (seen.ended_at, NOW)
    assert SCORE_ADAPTER.validate_json(score.model_dump_json()) == score


def test_graded_again_it_is_the_same_score(interaction: Any) -> None:
    grader = Says(passed(True))
    first, again = (
        run_graders([grader], interaction("Yes."), occasion=Occasion(source="live", graded_at=NOW, run_id=run))[0]
        for run in ("run-1", "run-2")
    )
    assert first.score_id == again.score_id


def test_what_does_not_apply_writes_nothing_and_is_not_asked(interaction: Any) -> None:
    grader = Says(passed(True), on=False)
    assert run_graders([grader], interaction("Yes."), occasion=LIVE) == []
    assert grader.asked == []


@pytest.mark.parametrize(
    "raising", [{"says": KeyError("Ada Lovelace, 4 Main Street")}, {"on": TransientError("ada@example.org")}]
)
def test_what_raises_is_a_failure_that_quotes_nothing_and_stops_nobody(
    interaction: Any, raising: dict[str, Any]
) -> None:
    bad = Says(**{"says": passed(True), "name": "bad", **raising})
    scores = run_graders([bad, Says(passed(True))], interaction("Yes."), occasion=LIVE)
    assert [(score.grader, score.result_type, score.value) for score in scores] == [
        ("bad@1", "failure", None),
        ("says@1", "pass", 1.0),
    ]
    reason = scores[0].reason
    assert "bad@1 raised" in reason
    assert "test_running.py:" in reason
    assert "Ada" not in reason
    assert "ada@" not in reason


@pytest.mark.parametrize(
    ("grade", "field_name"),
    [
        (number(1.2), "value"),
        (number(float("nan")), "value"),
        (Grade("pass", value=1.0), "says passed"),
        (Grade("label"), "has a label"),
        (Grade("failure", value=0.0, reason="no zero"), "failure has a reason"),
        (failure(""), "failure has a reason"),
    ],
)
def test_a_grade_that_is_none_is_a_failure_not_a_value(interaction: Any, grade: Grade, field_name: str) -> None:
    (score,) = run_graders([Says(grade)], interaction("Yes."), occasion=LIVE)
    assert (score.result_type, score.value) == ("failure", None)
    assert "gave a grade that is none" in score.reason
    assert field_name in score.reason


def test_long_reasons_are_cut(interaction: Any) -> None:
    (score,) = run_graders([Says(number(0.5, reason="x" * 5000))], interaction("Yes."), occasion=LIVE)
    assert len(score.reason) == 2000


def test_a_session_without_an_agent_has_a_subject_too(interaction: Any) -> None:
    (score,) = run_graders([Says(passed(True))], interaction("Yes.", agent_id=""), occasion=LIVE)
    assert score.agent_id == UNNAMED_AGENT
    assert score.subject.endswith(UNNAMED_AGENT)


@pytest.mark.parametrize(
    ("graders", "told"),
    [
        ([Says(passed(True)), Says(passed(False))], "asked for twice"),
        ([Says(passed(True), name="two words")], "cannot name a grader"),
        ([Says(passed(True), version="")], "cannot name a grader"),
        ([Says(passed(True), name="a@b")], "cannot name a grader"),
    ],
)
def test_graders_that_would_overwrite_each_other_are_refused(
    interaction: Any, graders: list[Grader], told: str
) -> None:
    with pytest.raises(ConfigurationError, match=told):
        run_graders(graders, interaction("Yes."), occasion=LIVE)
