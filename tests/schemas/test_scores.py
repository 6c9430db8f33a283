"""Scores say what their type says, and have the id of what they are about."""

from __future__ import annotations

from typing import Any

import orjson
import pytest
from pydantic import ValidationError

from watchkeeper.schemas.scores import SCORE_ADAPTER, Score, score_id_of, subject_of_scores


def score(**changed: Any) -> Score:
    told = {
        "score_id": "s-1",
        "subject": subject_of_scores("acme", "live", "refunds"),
        "tenant_id": "acme",
        "origin": "live",
        "source": "live",
        "session_id": "s",
        "agent_id": "refunds",
        "grader": "groundedness@1",
        "result_type": "number",
        "value": 0.5,
        "occurred_at": "2026-01-01T00:00:00Z",
        "graded_at": "2026-01-01T00:00:00Z",
    } | changed
    return SCORE_ADAPTER.validate_json(orjson.dumps(told))


@pytest.mark.parametrize(
    "changed",
    [
        {},
        {"passed": True},
        {"result_type": "pass", "value": 1.0, "passed": True},
        {"result_type": "label", "value": None, "label": "escalated"},
        {"result_type": "failure", "value": None, "reason": "the judge did not answer: raise its time-out"},
    ],
)
def test_scores_that_say_what_their_type_says(changed: dict[str, Any]) -> None:
    made = score(**changed)
    assert SCORE_ADAPTER.validate_json(made.model_dump_json()) == made


@pytest.mark.parametrize(
    ("changed", "told"),
    [
        ({"value": None}, "has a value"),
        ({"value": 1.5}, "less than or equal to 1"),
        ({"result_type": "pass", "value": 0.5, "passed": True}, "1 or 0"),
        ({"result_type": "pass", "value": 1.0}, "says passed"),
        ({"result_type": "label", "value": None}, "has a label"),
        ({"result_type": "failure", "value": 0.0, "reason": "broken"}, "no zero"),
        ({"result_type": "failure", "value": None}, "has a reason"),
        ({"grader": "groundedness"}, "pattern"),
        ({"inclusion": 0.0}, "greater than 0"),
    ],
)
def test_scores_that_contradict_themselves(changed: dict[str, Any], told: str) -> None:
    with pytest.raises(ValidationError, match=told):
        score(**changed)


def test_a_live_session_has_one_score_of_a_grader_whatever_run_graded_it() -> None:
    about = {"tenant_id": "acme", "session_id": "s", "grader": "g@1"}
    assert score_id_of(source="live", run_id="a", **about) == score_id_of(source="live", run_id="b", **about)
    runs = [score_id_of(source="suite", suite="x@1", case_id="c", run_id=run, **about) for run in "ab"]
    assert len({*runs, score_id_of(source="live", **about), score_id_of(source="gate", run_id="a", **about)}) == 4
