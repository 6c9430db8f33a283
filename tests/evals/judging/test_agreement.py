"""Agreement beyond chance: the known figures, and intervals that hold."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.metrics import cohen_kappa_score

from watchkeeper.evals.judging.agreement import DEGREES, VERDICTS, agreement, labels_for
from watchkeeper.schemas.errors import ConfigurationError


def test_kappa_is_what_others_say_it_is() -> None:
    random = np.random.default_rng(1)
    people = random.choice([0.0, 0.5, 1.0], 200, p=[0.2, 0.3, 0.5])
    judge = np.where(random.random(200) < 0.7, people, random.choice([0.0, 0.5, 1.0], 200))
    found = agreement(judge.tolist(), people.tolist(), DEGREES)
    expected = cohen_kappa_score((judge * 2).astype(int), (people * 2).astype(int), weights="linear")
    assert found.kappa == pytest.approx(expected)
    assert found.low < expected < found.high
    assert sum(map(sum, found.table)) == found.labels == 200
    verdicts = agreement((judge > 0).astype(float).tolist(), (people > 0).astype(float).tolist())
    assert verdicts.kappa == pytest.approx(cohen_kappa_score(judge > 0, people > 0))
    weights = random.uniform(1, 5, 200)
    weighted = agreement(judge.tolist(), people.tolist(), DEGREES, weights=weights.tolist())
    assert weighted.kappa == pytest.approx(
        cohen_kappa_score((judge * 2).astype(int), (people * 2).astype(int), weights="linear", sample_weight=weights)
    )
    # Weights say less than as many labels.
    assert weighted.high - weighted.low > found.high - found.low


def test_a_table_by_hand() -> None:
    # 20 both pass, 15 both fail, 5 and 10 apart: the example of the English Wikipedia's article on kappa.
    judge = [1.0] * 25 + [0.0] * 25
    people = [1.0] * 20 + [0.0] * 5 + [1.0] * 10 + [0.0] * 15
    found = agreement(judge, people)
    assert (found.observed, found.expected) == pytest.approx((0.7, 0.5))
    assert found.kappa == pytest.approx(0.4)
    assert found.table == ((15, 10), (5, 20))


def test_perfect_agreement_of_few_has_an_interval_with_width() -> None:
    found = agreement([1.0, 0.0] * 6, [1.0, 0.0] * 6)
    assert (found.kappa, found.high) == pytest.approx((1.0, 1.0))
    assert found.low < 0.7
    assert found.words == "at least moderate"
    many = agreement([1.0, 0.0] * 300, [1.0, 0.0] * 300)
    assert many.words == "at least almost perfect"


def test_where_both_always_say_the_same_there_is_no_kappa() -> None:
    found = agreement([1.0] * 20, [1.0] * 20)
    assert found.kappa is None
    assert found.observed == 1
    assert found.words.startswith("cannot be told")


@pytest.mark.parametrize("labels", [15, 40, 150])
@pytest.mark.parametrize(
    ("shares", "categories"),
    [
        ([[0.15, 0.05], [0.05, 0.75]], VERDICTS),
        ([[0.3, 0.1], [0.1, 0.5]], VERDICTS),
        ([[0.04, 0.01], [0.02, 0.93]], VERDICTS),
        ([[0.1, 0.03, 0.01], [0.03, 0.15, 0.05], [0.01, 0.07, 0.55]], DEGREES),
    ],
)
def test_the_interval_holds(shares: list[list[float]], categories: tuple[float, ...], labels: int) -> None:
    random, size, held = np.random.default_rng(5), len(categories), 0
    pairs = [(judged, person) for judged in categories for person in categories]
    whole = np.array(shares).ravel()
    # The truth, from so many sessions that chance plays no part.
    counts = np.round(whole * 100).astype(int)
    truth = agreement(*map(list, zip(*np.repeat(pairs, counts, axis=0).tolist(), strict=True)), categories)  # type: ignore[call-arg]  # two lists
    assert truth.kappa is not None
    for seed in range(200):
        drawn = [pairs[cell] for cell in random.choice(size * size, labels, p=whole)]
        found = agreement([one for one, _ in drawn], [other for _, other in drawn], categories, seed=seed)
        held += found.low <= truth.kappa <= found.high
    # 200 runs know a share of 0.95 to ± 0.03; of fifteen labels of three categories 0.91 was measured in 600.
    assert held / 200 >= 0.87


def test_labels_for_a_sharper_interval() -> None:
    judge, people = [1.0] * 25 + [0.0] * 25, [1.0] * 20 + [0.0] * 5 + [1.0] * 10 + [0.0] * 15
    found = agreement(judge, people)
    half = (found.high - found.low) / 2
    assert labels_for(found, half / 2) == pytest.approx(200, abs=1)
    sharper = agreement(judge * 4, people * 4)
    assert (sharper.high - sharper.low) / 2 == pytest.approx(half / 2, rel=0.1)
    with pytest.raises(ConfigurationError, match="above 0"):
        labels_for(found, 0)


def test_without_labels_there_is_nothing_to_say() -> None:
    with pytest.raises(ConfigurationError, match="evals label"):
        agreement([], [])
    with pytest.raises(ConfigurationError, match="one for each score"):
        agreement([1.0], [1.0, 0.0])
