"""The gate's statistics, against brute force, published figures and simulation."""

from __future__ import annotations

import itertools
import math
import random
from statistics import NormalDist

import pytest

from watchkeeper.evals.gate.families import Question, adjusted
from watchkeeper.evals.gate.paired import Pair, effect_of, mid_p, score_bounds
from watchkeeper.evals.gate.power import cases_needed, visible_fall
from watchkeeper.evals.gate.resampling import bootstrap_bounds, flipped_p
from watchkeeper.schemas.errors import ConfigurationError


def likelihood(plus: int, minus: int, cases: int, difference: float, share: float) -> float:
    """Of a multinomial with P(minus) = share and P(plus) = share + difference."""
    same = 1 - 2 * share - difference
    terms = ((plus, share + difference), (minus, share), (cases - plus - minus, same))
    if any(p < 0 or (p == 0 and n) for n, p in terms):
        return -math.inf
    return sum(n * math.log(p) for n, p in terms if n)


@pytest.mark.parametrize(("worse", "better", "cases"), [(12, 5, 61), (30, 10, 300), (3, 0, 40), (0, 4, 56)])
def test_the_interval_ends_where_the_score_test_rejects_at_the_likeliest_nuisance(
    worse: int, better: int, cases: int
) -> None:
    """The nuisance share is found here by trying all of them, there by the root of a quadratic."""
    limit = NormalDist().inv_cdf(0.975)
    for bound, sign in zip(score_bounds(worse, better, cases, 0.025), (1, -1), strict=True):
        grid = [max(0.0, -bound) + step / 200_000 for step in range(1, 100_000)]
        share = max(grid, key=lambda one: likelihood(better, worse, cases, bound, one))
        variance = cases * (2 * share + bound - bound * bound)
        assert sign * (better - worse - cases * bound) / math.sqrt(variance) == pytest.approx(limit, abs=2e-3)


def test_cases_that_all_agree_exclude_what_the_score_test_excludes() -> None:
    z = NormalDist().inv_cdf(0.975)
    low, high = score_bounds(0, 0, 300, 0.025)
    assert [low, high] == pytest.approx([-z * z / (300 + z * z), z * z / (300 + z * z)])


def test_the_mid_p_value_is_that_of_all_signs() -> None:
    """Tried: all signs of the cases that differ; those that are as bad count by half."""
    for worse, better in [(0, 0), (1, 0), (5, 1), (4, 4), (2, 7)]:
        total = worse + better
        sums = [sum(signs) for signs in itertools.product((-1, 1), repeat=total)]
        observed = better - worse
        tried = (sum(s < observed for s in sums) + sum(s == observed for s in sums) / 2) / len(sums)
        assert mid_p(worse, better) == pytest.approx(tried)
        assert flipped_p([-1.0] * worse + [1.0] * better, seed=1) == pytest.approx(tried)
    assert mid_p(4000, 3900) == pytest.approx(1 - NormalDist().cdf(100 / math.sqrt(7900)), rel=0.01)


def test_flipped_signs_by_lot_agree_with_the_exact_test() -> None:
    differences = [-1.0] * 24 + [1.0] * 10 + [0.0] * 100
    assert flipped_p(differences, seed=3) == pytest.approx(mid_p(24, 10), abs=0.003)
    assert flipped_p(differences, seed=3) == flipped_p(differences, seed=3)
    assert flipped_p([0.0] * 10, seed=1) == 0.5


def test_the_bootstrapped_interval_holds_the_truth_as_often_as_it_says() -> None:
    """Values of 0, 1/3, 2/3, 1, mostly equal on both sides: skewed and lumpy, as repeated passes are."""
    draw = random.Random(11)
    held = below = 0
    runs = 120
    for run in range(runs):
        differences = []
        for _ in range(120):
            level = draw.betavariate(4, 1)
            ours = sum(draw.random() < level * 0.9 for _ in range(3)) / 3
            theirs = sum(draw.random() < level for _ in range(3)) / 3
            differences.append(ours - theirs)
        ((low, high), (floor, _)) = bootstrap_bounds(differences, (0.025, 0.05), seed=run)
        held += low <= -0.08 <= high
        below += floor <= -0.08
    assert held / runs >= 0.92
    assert below / runs >= 0.92


def test_numbers_that_never_differ_still_have_an_interval() -> None:
    effect = effect_of([Pair(str(n), 0.5, 0.5) for n in range(100)])
    assert effect.difference == 0
    assert effect.lower < -0.01 < 0.01 < effect.upper
    assert effect.p_fall == 0.5


def test_an_effect_says_which_cases_moved() -> None:
    pairs = [Pair("a", 1, 0), Pair("b", 1, 1), Pair("c", 0, 1), Pair("d", 1, 0)]
    effect = effect_of(pairs)
    assert (effect.worse, effect.better, effect.cases, effect.method) == (2, 1, 4, "mid_p")
    assert (effect.baseline, effect.candidate, effect.difference) == (0.75, 0.5, -0.25)
    assert effect.lower < effect.floor < effect.difference < effect.upper
    assert effect_of([Pair("a", 0.5, 0.25), Pair("b", 1, 1)]).method == "resampled"
    with pytest.raises(ConfigurationError, match="nothing can be compared"):
        effect_of([])


def test_holm_with_equal_weights_is_holm_s() -> None:
    questions = [Question(p, 1.0) for p in (0.01, 0.04, 0.03, 0.005)]
    assert adjusted(questions) == pytest.approx([0.03, 0.06, 0.06, 0.02])


def test_a_question_s_weight_is_its_part_of_the_level() -> None:
    found = adjusted([Question(0.018, 0.75), Question(0.018, 0.25)])
    assert found == pytest.approx([0.024, 0.024])
    assert adjusted([Question(0.03, 0.75), Question(0.001, 0.25)]) == pytest.approx([0.03, 0.004])
    assert adjusted([]) == []


@pytest.mark.parametrize(("cases", "share"), [(100, 0.2), (300, 0.15), (300, 0.3)])
def test_the_visible_fall_is_seen_as_often_as_it_says(cases: int, share: float) -> None:
    fall = visible_fall(cases, math.sqrt(share), level=0.025, power=0.8)
    square = max(share + fall * fall, fall)
    draw = random.Random(5)
    seen = 0
    runs = 1500
    for _ in range(runs):
        kinds = draw.choices((-1, 1, 0), ((square + fall) / 2, (square - fall) / 2, 1 - square), k=cases)
        seen += mid_p(kinds.count(-1), kinds.count(1)) <= 0.025
    assert seen / runs == pytest.approx(0.8, abs=0.06)


def test_more_cases_see_more() -> None:
    falls = [visible_fall(cases, 0.4, level=0.025) for cases in (10, 50, 300, 2000)]
    assert falls == sorted(falls, reverse=True)
    assert visible_fall(0, 0.4, level=0.025) == 1
    needed = cases_needed(0.1, 0.45, level=0.025)
    assert visible_fall(needed, 0.45, level=0.025) <= 0.1 < visible_fall(needed - 1, 0.45, level=0.025)
