"""What makes a session worth labelling."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from watchkeeper.evals.labelling.worth import worth_of
from watchkeeper.schemas.scores import CriterionScore, Score

NOON = datetime(2026, 11, 1, 12, tzinfo=UTC)


def score(grader: str = "judge@1", *, value: float | None = 1.0, passed: bool | None = None, **given: Any) -> Score:
    told = {
        "score_id": grader,
        "subject": "score:acme/live/refunds",
        "tenant_id": "acme",
        "origin": "live",
        "source": "live",
        "session_id": "s",
        "agent_id": "refunds",
        "grader": grader,
        "result_type": "number",
        "value": value,
        "passed": passed,
        "occurred_at": NOON,
        "graded_at": NOON,
    }
    return Score(**(told | given))


def test_a_session_of_which_nothing_is_known_is_drawn_evenly() -> None:
    found = worth_of("s", [])
    assert (found.extra, found.stratum, found.why) == (0.0, "uniform", "drawn evenly")
    assert worth_of("s", [score(passed=True)]).stratum == "uniform"
    failure = score(value=None, result_type="failure", reason="it did not answer: try again")
    assert worth_of("s", [failure]).stratum == "uniform"


@pytest.mark.parametrize(
    ("scores", "severity", "stratum"),
    [
        ([score("a@1", passed=True), score("b@1", value=0.0, passed=False)], "", "disagreement"),
        ([score("a@1"), score("b@1", value=0.2)], "", "disagreement"),
        ([score(value=0.6, passed=False)], "", "uncertain"),
        ([], "critical", "risk"),
        ([score()], "high", "risk"),
        ([score()], "low", "uniform"),
    ],
)
def test_why_a_session_is_worth_more(scores: list[Score], severity: str, stratum: str) -> None:
    found = worth_of("s", scores, severity)
    assert found.stratum == stratum
    assert (found.extra > 0) == (stratum != "uniform")


def test_repeats_that_differ_are_two_minds() -> None:
    split = CriterionScore(name="tone", value=1.0, note="3 repeats: 2 met, 1 not_met; It is met.")
    found = worth_of("s", [score(passed=True, criteria=(split,))])
    assert found.stratum == "uncertain"


def test_several_reasons_add_up() -> None:
    both = [score("a@1", value=0.6, passed=False), score("b@1", passed=True)]
    found = worth_of("s", both, "critical")
    assert found.extra > worth_of("s", both).extra > worth_of("s", both[:1]).extra > 0
    assert found.why.count(";") == 2
