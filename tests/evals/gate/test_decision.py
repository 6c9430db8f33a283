"""What the gate decides, and how often it is wrong."""

from __future__ import annotations

import random

import pytest
from drift.gate_shares import Situation, tally

from watchkeeper.evals.gate.decision import Measure, Settings, decide
from watchkeeper.evals.gate.paired import Pair
from watchkeeper.schemas.errors import ConfigurationError


def pairs(*, worse: int = 0, better: int = 0, both: int = 0, neither: int = 0, start: int = 0) -> tuple[Pair, ...]:
    kinds = [(1.0, 0.0)] * worse + [(0.0, 1.0)] * better + [(1.0, 1.0)] * both + [(0.0, 0.0)] * neither
    return tuple(Pair(f"case-{start + at}", *kind) for at, kind in enumerate(kinds))


def whole(**given: int) -> Measure:
    missing = given.pop("missing", 0)
    return Measure("rubric", "whole", pairs(**given), missing=missing)


def test_equal_candidates_pass_and_the_reason_names_what_is_excluded() -> None:
    found = decide([whole(worse=8, better=9, both=270, neither=13)], Settings())
    assert found.outcome == "pass"
    assert "a fall" not in found.reasons[0]
    assert "one by 10.0 points is excluded" in found.reasons[0]
    assert found.judged[0].visible < 0.06


def test_a_significant_fall_blocks_even_where_it_is_smaller_than_the_margin() -> None:
    found = decide([whole(worse=26, better=6, both=260, neither=8)], Settings())
    assert found.outcome == "fall"
    assert found.reasons[0].startswith("rubric fell: -6.7 points on 300 cases")


def test_a_suite_too_small_says_so_and_does_not_pass() -> None:
    found = decide([whole(worse=4, better=4, both=30, neither=2)], Settings())
    assert found.outcome == "undecided"
    assert "a fall of rubric by 10.0 points is not excluded" in found.reasons[0]
    assert "cases would do" in found.reasons[0]
    assert "too small to see a fall of rubric by 10.0 points" in found.warnings[0]


def test_few_cases_exclude_nothing_however_well_they_agree() -> None:
    found = decide([whole(both=12)], Settings(margin=0.4))
    assert (found.outcome, "at least 20 are needed" in found.reasons[0]) == ("undecided", True)


def test_a_candidate_that_fails_to_answer_does_not_pass_though_the_rest_is_as_good() -> None:
    answers = Measure("answers", "answers", pairs(worse=40, both=260))
    found = decide([whole(worse=5, better=5, both=250, missing=40), answers], Settings())
    assert found.outcome == "fall"
    assert found.reasons[0].startswith("it answers less often: -13.3 points")


def test_too_many_failures_on_both_sides_leave_it_undecided() -> None:
    answers = Measure("answers", "answers", pairs(both=260, neither=40))
    found = decide([whole(worse=5, better=5, both=250, missing=40), answers], Settings())
    assert (found.outcome, "40 of 300 cases (failures)" in found.reasons[0]) == ("undecided", True)
    assert decide([whole(worse=5, better=5, both=250, missing=40)], Settings(max_failures=0.2)).outcome == "pass"


def test_an_intent_that_falls_is_named_though_the_whole_hides_it() -> None:
    bad = pairs(worse=14, both=16)
    rest = pairs(worse=5, better=16, both=240, start=30)
    measures = [
        Measure("rubric", "whole", bad + rest),
        Measure("rubric", "intent", bad, intent="refund"),
        Measure("rubric", "intent", rest, intent="order"),
    ]
    found = decide(measures, Settings())
    assert found.outcome == "fall"
    assert [one.measure.intent for one in found.judged if one.fell] == ["refund"]
    assert found.reasons[0].startswith("rubric, refund fell: -46.7 points on 30 cases")


def test_what_cannot_be_significant_costs_the_others_nothing() -> None:
    quiet = [Measure("rubric", "intent", pairs(both=5, worse=1), intent=f"i{n}") for n in range(30)]
    alone = decide([whole(worse=20, better=6, both=274)], Settings())
    among = decide([whole(worse=20, better=6, both=274), *quiet], Settings())
    assert alone.judged[0].p == among.judged[0].p


def test_a_criterion_that_must_be_passed_may_break_in_no_case_where_that_is_asked() -> None:
    criterion = Measure("promises_nothing", "must_pass", pairs(worse=1, both=299))
    ours = whole(worse=8, better=9, both=270, neither=13)
    assert decide([ours, criterion], Settings()).outcome == "pass"
    found = decide([ours, criterion], Settings(max_broken=0))
    assert found.outcome == "fall"
    assert "promises_nothing must be passed, and is newly failed in 1 cases; at most 0 may" in found.reasons


def test_settings_that_no_gate_can_have_are_refused() -> None:
    with pytest.raises(ConfigurationError, match="margin is a share above 0 and below 1, not 10"):
        Settings(margin=10)
    with pytest.raises(ConfigurationError, match="at least 0 and below 1"):
        Settings(max_failures=1)
    with pytest.raises(ConfigurationError, match="nothing to decide by"):
        decide([Measure("rubric", "intent", pairs(both=5), intent="x")], Settings())


def test_an_equal_candidate_falls_no_oftener_than_the_level_over_all_questions() -> None:
    draw = random.Random(2)
    falls = 0
    runs = 300
    for _ in range(runs):
        measures = []
        everything: tuple[Pair, ...] = ()
        for intent in range(6):
            levels = [draw.betavariate(3, 1) for _ in range(40)]
            own = tuple(
                Pair(f"{intent}-{at}", float(draw.random() < p), float(draw.random() < p))
                for at, p in enumerate(levels)
            )
            everything += own
            measures.append(Measure("rubric", "intent", own, intent=str(intent)))
        falls += decide([Measure("rubric", "whole", everything), *measures], Settings()).outcome == "fall"
    assert falls / runs <= 0.04


def test_the_shares_that_are_promised_hold() -> None:
    situation = Situation(0.9, 0.5)
    equal, worse = tally(situation, runs=60, cases=300, seed=3, done=lambda: None)
    assert equal["pass"] >= 57
    assert worse["pass"] <= 6
    assert worse["fall"] >= 54
