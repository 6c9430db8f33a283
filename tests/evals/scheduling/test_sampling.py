"""Drawing sessions: alike on any machine, as often as the rates say, and right on average whatever is cut."""

from __future__ import annotations

import math
import random
import statistics
import subprocess
import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st

from watchkeeper.evals.sampling import (
    RISKS,
    Graded,
    Rates,
    Risk,
    Traits,
    cut_to,
    decide,
    mean_of,
    risks_of,
    total_of,
    unit_of,
)

RATES = Rates(
    0.05, {"critical_finding": 1.0, "high_finding": 0.5, "negative_feedback": 0.4, "escalated": 0.2}, high_cost_usd=1.0
)
PLAIN = Traits()

traits = st.builds(
    Traits,
    worst_severity=st.sampled_from(["", "info", "low", "medium", "high", "critical"]),
    negative_feedback=st.booleans(),
    escalated=st.booleans(),
    abstained=st.booleans(),
    failed=st.booleans(),
    cost_usd=st.none() | st.floats(0, 10),
)
shares = st.floats(0.001, 1)
rates = st.builds(
    Rates,
    shares,
    st.dictionaries(st.sampled_from(RISKS), shares),
    st.none() | st.floats(0.01, 5),
    st.text(max_size=5),
)


def test_a_place_is_the_same_on_any_machine() -> None:
    # Written down: another value means that every session ever decided would be decided anew.
    assert unit_of("sample", "", "acme", "s-1") == pytest.approx(PLACE_OF_ACME_S_1, abs=1e-15)
    asked = "from watchkeeper.evals.sampling import unit_of; print(repr(unit_of('sample', '', 'acme', 's-1')))"
    told = subprocess.run([sys.executable, "-c", asked], check=True, capture_output=True, text=True)
    assert float(told.stdout) == unit_of("sample", "", "acme", "s-1")


PLACE_OF_ACME_S_1 = 0.4121882134105159


def test_texts_cannot_run_into_each_other() -> None:
    assert unit_of("ab", "c") != unit_of("a", "bc")


@given(rates, traits, st.text(min_size=1, max_size=20))
def test_the_highest_of_a_sessions_rates_counts(rates: Rates, traits: Traits, session: str) -> None:
    draw = decide(rates, "acme", session, traits)
    mine: dict[Risk, float] = {risk: rates.risks.get(risk, 0.0) for risk in risks_of(traits, rates.high_cost_usd)}
    assert draw.inclusion == max([rates.uniform, *mine.values()])
    assert 0 <= draw.place < 1
    assert draw.stratum == "uniform" or mine[draw.stratum] == draw.inclusion  # type: ignore[index] # a risk, then
    assert decide(rates, "acme", session, traits) == draw


@given(shares, shares, st.text(min_size=1, max_size=20))
def test_a_higher_rate_keeps_whom_a_lower_one_drew(one: float, other: float, session: str) -> None:
    low, high = sorted((one, other))
    assert decide(Rates(high), "acme", session, PLAIN).drawn >= decide(Rates(low), "acme", session, PLAIN).drawn


@pytest.mark.parametrize(
    ("known", "risks"),
    [
        (Traits(), ()),
        (Traits(worst_severity="medium"), ("any_finding",)),
        (Traits(worst_severity="high"), ("high_finding", "any_finding")),
        (Traits(worst_severity="critical"), ("critical_finding", "high_finding", "any_finding")),
        (Traits(cost_usd=1.0), ("high_cost",)),
        (Traits(cost_usd=0.99), ()),
        (Traits(escalated=True, abstained=True, failed=True), ("escalated", "abstained", "failed")),
        (Traits(negative_feedback=True), ("negative_feedback",)),
    ],
)
def test_risks_are_read_from_traits(known: Traits, risks: tuple[str, ...]) -> None:
    assert risks_of(known, 1.0) == risks


def test_without_a_limit_no_session_is_dear() -> None:
    assert risks_of(Traits(cost_usd=1e9)) == ()


def test_sessions_are_drawn_as_often_as_the_rates_say() -> None:
    sessions = 40_000
    drawn = sum(decide(RATES, "acme", f"s-{number}", PLAIN).drawn for number in range(sessions))
    error = math.sqrt(sessions * 0.05 * 0.95)
    assert abs(drawn - sessions * 0.05) < 4 * error


def test_tenants_and_salts_draw_independently() -> None:
    names = [f"s-{number}" for number in range(20_000)]
    first = {name for name in names if decide(Rates(0.2), "acme", name, PLAIN).drawn}
    for other in (Rates(0.2), Rates(0.2, salt="second")):
        tenant = "acme" if other.salt else "globex"
        second = {name for name in names if decide(other, tenant, name, PLAIN).drawn}
        assert abs(len(first & second) - 20_000 * 0.04) < 4 * math.sqrt(20_000 * 0.04)


@given(st.floats(0, 60), st.integers(0, 50), st.text(max_size=3))
def test_a_cut_keeps_what_there_is_room_for(room: float, count: int, salt: str) -> None:
    drawn = [("acme", f"s-{number}") for number in range(count)]
    cut = cut_to(room, drawn, salt)
    assert len(cut.kept) in {min(count, math.floor(room)), min(count, math.ceil(room))}
    assert cut.share == (1.0 if count <= room else room / count)
    assert cut == cut_to(room, drawn, salt)
    assert list(cut.kept) == sorted(set(cut.kept))


def test_a_cut_knows_no_order() -> None:
    drawn = [("acme", f"s-{number}") for number in range(30)]
    there = {drawn[index] for index in cut_to(7.5, drawn).kept}
    backwards = drawn[::-1]
    assert {backwards[index] for index in cut_to(7.5, backwards).kept} == there


def _day(run: int, room: float, sessions: int = 400) -> tuple[float, float, list[Graded]]:
    """One day: the truth's sum and mean, and what was graded. Risky sessions are worse, so weights matter."""
    source = random.Random(run)
    truth, drawn = [], []
    for number in range(sessions):
        risky = source.random() < 0.1
        value = float(source.random() < (0.5 if risky else 0.92))
        truth.append(value)
        draw = decide(RATES, f"tenant-{run}", f"s-{number}", Traits(negative_feedback=risky))
        if draw.drawn:
            drawn.append((f"s-{number}", Graded(value, draw.inclusion)))
    graded = []
    for begin in range(0, len(drawn), 12):
        batch = drawn[begin : begin + 12]
        cut = cut_to(room, [(f"tenant-{run}", name) for name, _ in batch])
        graded += [Graded(batch[index][1].value, batch[index][1].inclusion * cut.share) for index in cut.kept]
    return sum(truth), statistics.fmean(truth), graded


@pytest.mark.parametrize("room", [math.inf, 4.5])
def test_sums_are_right_on_average_whatever_the_budget_cuts(room: float) -> None:
    off = []
    unweighted = []
    for run in range(700):
        total, mean, graded = _day(run, room)
        off.append(total_of(graded) - total)
        if graded:
            unweighted.append(statistics.fmean(one.value for one in graded) - mean)
    error = statistics.stdev(off) / math.sqrt(len(off))
    assert abs(statistics.fmean(off)) < 3.5 * error
    # The test can fail: without weights, the same sessions say that agents are worse than they are.
    assert statistics.fmean(unweighted) < -0.1


@pytest.mark.long
def test_the_means_error_covers_the_truth() -> None:
    covered = []
    for run in range(200):
        _, mean, graded = _day(run, math.inf, sessions=3000)
        estimate = mean_of(graded)
        assert estimate.mean is not None
        assert estimate.standard_error is not None
        covered.append(abs(estimate.mean - mean) < 1.96 * estimate.standard_error)
    # 95 of 100, less what 200 runs leave open.
    assert 0.9 < statistics.fmean(covered) <= 1


def test_nothing_graded_is_no_zero() -> None:
    assert mean_of([]).mean is None
    assert mean_of([Graded(0.5, 0.1)]).standard_error is None


@given(st.lists(st.builds(Graded, st.floats(0, 1), shares), min_size=1, max_size=30))
def test_a_mean_lies_among_its_values(graded: list[Graded]) -> None:
    estimate = mean_of(graded)
    assert estimate.mean is not None
    values = [one.value for one in graded]
    assert min(values) - 1e-9 <= estimate.mean <= max(values) + 1e-9
    assert estimate.sessions >= len(graded) - 1e-9
    assert 0 < estimate.effective <= len(graded) + 1e-6


@given(st.lists(st.floats(0, 1), min_size=2, max_size=30))
def test_with_one_rate_the_mean_is_the_mean(values: list[float]) -> None:
    estimate = mean_of([Graded(value, 0.2) for value in values])
    assert estimate.mean == pytest.approx(statistics.fmean(values))
    assert estimate.standard_error == pytest.approx(statistics.stdev(values) / math.sqrt(len(values)), abs=1e-9)
