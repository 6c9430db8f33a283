"""What several people, one after another and together, say of a session."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from pydantic import ValidationError

from watchkeeper.evals.labelling.answers import tally
from watchkeeper.evals.labelling.records import together
from watchkeeper.evals.labelling.rubrics import GENERAL
from watchkeeper.schemas.labels import LabelRow
from watchkeeper.schemas.scores import CriterionScore

NOON = datetime(2026, 11, 1, 12, tzinfo=UTC)


def label(hours: float = 0, **given: Any) -> LabelRow:
    told: dict[str, Any] = {
        "tenant_id": "acme",
        "label_id": f"l-{hours}-{given.get('given_by', 'ada')}",
        "session_id": "s",
        "passed": True,
        "given_by": "ada",
        "given_at": NOON + timedelta(hours=hours),
        "occurred_at": NOON,
    }
    return LabelRow(**(told | given))


def test_of_a_person_the_latest_holds_and_of_several_the_mean() -> None:
    tone = CriterionScore(name="tone", value=0.5)
    (found,) = together(
        [
            label(2, passed=False, value=0.4, criteria=(tone,)),
            label(1, passed=True, value=1.0),
            label(0, given_by="bob", passed=True, value=0.8, criteria=(tone.model_copy(update={"value": 1.0}),)),
        ]
    )
    assert found.passed == 0.5
    assert found.value == pytest.approx(0.6)
    assert found.criteria == {"tone": 0.75}
    assert found.people == ("ada", "bob")
    assert found.inclusion is None


def test_who_skips_says_nothing_and_may_take_back() -> None:
    assert together([label(skipped=True, passed=None)]) == []
    assert together([label(0), label(1, skipped=True, passed=None)]) == []
    (found,) = together([label(0, skipped=True, passed=None), label(1)])
    assert found.passed == 1


def test_a_stated_probability_holds() -> None:
    (found,) = together([label(inclusion=0.25)])
    assert found.inclusion == 0.25


@pytest.mark.parametrize("given", [{"passed": None}, {"skipped": True}, {"skipped": True, "value": 0.5}])
def test_a_label_says_something_and_a_skip_nothing(given: dict[str, Any]) -> None:
    with pytest.raises(ValidationError, match="a label says passed"):
        label(**given)


def test_answers_add_up_by_weight_and_what_must_be_passed_decides() -> None:
    good = tally(GENERAL, {"correctness": "yes", "groundedness": "partly", "tone": "does_not_apply"})
    assert good.value == pytest.approx((3 + 1) / 5)
    assert good.suggests is True
    notes = {one.name: one.note for one in good.criteria}
    assert (notes["tone"], notes["tool_use"], notes["correctness"]) == ("does not apply", "cannot tell", "")
    bad = tally(
        GENERAL,
        {"correctness": "partly", "groundedness": "yes", "tool_use": "yes", "escalation": "yes", "tone": "yes"},
    )
    assert bad.value is not None
    assert bad.value > GENERAL.bar
    assert bad.suggests is False
    nothing = tally(GENERAL, {})
    assert (nothing.value, nothing.suggests) == (None, None)
