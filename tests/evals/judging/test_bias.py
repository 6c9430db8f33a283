"""Biases that were planted are found, fair judges are not accused, and of few sessions nothing is said."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from watchkeeper.evals.judging.answers import Preferred
from watchkeeper.evals.judging.bias import Seen, leniency, position, self_preference, verbosity
from watchkeeper.evals.judging.pairwise import Comparison


def world(
    count: int, *, seed: int = 0, lenient: float = 0.0, per_doubling: float = 0.0, own: float = 0.0
) -> list[Seen]:
    """Sessions in which long answers are better and half are good; the judge errs as it is told to."""
    random = np.random.default_rng(seed)
    found = []
    for number in range(count):
        length = int(2 ** random.uniform(6, 11))
        good = float(random.random() < 0.5 + 0.1 * (np.log2(length) - 8.5))
        family = "openai" if number % 2 else "meta"
        wrong = random.random() < 0.1
        share = (1 - good if wrong else good) + lenient + per_doubling * (np.log2(length) - 8.5)
        share += own if family == "openai" else 0.0
        found.append(Seen(float(random.random() < np.clip(share, 0.02, 0.98)), good, 1.0, length, family))
    return found


def test_a_lenient_and_a_harsh_judge() -> None:
    lenient = leniency(world(300, lenient=0.3))
    assert lenient.value is not None
    assert lenient.is_shown
    assert lenient.value > 0.03
    assert "lenient" in lenient.told
    harsh = leniency(world(300, lenient=-0.3))
    assert harsh.is_shown
    assert "harsh" in harsh.told
    # Sessions of no weight say nothing.
    seen = [Seen(1.0, 0.0, 1.0)] * 20 + [Seen(1.0, 1.0, 1000.0)] * 20
    weighted = leniency(seen)
    assert weighted.value == pytest.approx(20 / 20020)


def test_a_judge_that_likes_length_and_one_that_does_not() -> None:
    fond = verbosity(world(400, per_doubling=0.12))
    assert fond.is_shown
    assert fond.value is not None
    assert fond.value > 0.03
    assert "longer" in fond.told


def test_a_judge_that_likes_its_own_kin() -> None:
    fond = self_preference(world(800, own=0.4), "openai")
    assert fond.is_shown
    assert fond.value is not None
    assert fond.value > 0
    assert self_preference(world(800), "unknown").value is None


@pytest.mark.parametrize("check", [leniency, verbosity, lambda seen: self_preference(seen, "openai")])
def test_a_fair_judge_is_rarely_accused(check: Callable[[list[Seen]], object]) -> None:
    # A share of 0.05 of 200 worlds is exceeded by 0.05 more with a chance of one in a hundred.
    accused = sum(check(world(60, seed=seed)).is_shown for seed in range(200))  # type: ignore[attr-defined]  # a Bias
    assert accused / 200 <= 0.10


def of_places(*groups: tuple[Preferred, Preferred, int]) -> list[Comparison]:
    return [Comparison("neither", given, turned, "", None) for given, turned, count in groups for _ in range(count)]


def test_a_judge_of_places() -> None:
    first = position(of_places(("first", "first", 8), ("first", "second", 12)))
    assert first.is_shown
    assert first.value == pytest.approx(0.4)
    assert "goes by the place in 40%" in first.told
    torn = position(of_places(("first", "first", 5), ("second", "second", 5), ("neither", "neither", 10)))
    assert not torn.is_shown
    assert torn.value == 0
    fair = position(of_places(("first", "second", 20)))
    assert (fair.value, fair.is_shown, fair.told) == (0, False, "goes by no place")


def test_of_few_sessions_nothing_is_said() -> None:
    few = world(9)
    for found in (leniency(few), verbosity(few), self_preference(few, "openai"), position([])):
        assert (found.value, found.is_shown, found.told) == (None, False, "too little is known")
    same_length = [Seen(1.0, 1.0, 1.0, 100)] * 50
    assert verbosity(same_length).value is None
    # All labels alike, and a judge that never errs: no failure, and no accusation.
    certain = [Seen(1.0, 1.0, 1.0, 100 + 50 * number) for number in range(50)]
    assert not verbosity(certain).is_shown
    assert not leniency(certain).is_shown
