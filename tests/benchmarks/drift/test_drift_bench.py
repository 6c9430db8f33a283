from __future__ import annotations

import io
from dataclasses import replace

import pytest
from drift import bench
from drift.contenders import FIXED, OURS, PROMISE, oracle, oracle_threshold
from drift.runs import RunLengths, delays, run_lengths
from drift.sections import QUICK, promise_kept
from drift.streams import COINS, FOLLOWING, PLAIN, WEEKLY
from harness import Figure
from rich.console import Console

ASKED = {
    "stationary_streams",
    "mean_run_length_lower_limit_over_promise",
    "delay_ratio_to_oracle_median",
    "corrected_interval_coverage",
    "gate_pass_equal_share",
    "gate_block_worse_share",
}


@pytest.mark.long
def test_a_small_run_gives_all_figures_and_tables() -> None:
    printed = io.StringIO()
    figures = bench.run(QUICK, Console(file=printed, width=120), quick=True)
    names = [figure.name for figure in figures]
    assert set(names) >= ASKED
    assert len(names) == len(set(names))
    assert all(figure.interval[0] <= figure.value <= figure.interval[1] for figure in figures)
    for told in ("Page-Hinkley, tuned", "KSWIN", "fixed threshold", "weekends", "AR(0.6)", "▲", "The gate"):
        assert told in printed.getvalue()


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("stationary_streams", 499),
        ("mean_run_length_lower_limit_over_promise", 0.99),
        ("delay_ratio_to_oracle_median", 2.6),
        ("corrected_interval_coverage", 0.92),
        ("gate_pass_equal_share", 0.94),
        ("gate_block_worse_share", 0.89),
    ],
)
def test_the_target_fails_where_one_promise_is_broken(name: str, value: float) -> None:
    good = dict.fromkeys(ASKED, 1.0) | {"stationary_streams": 500.0}
    for broken in (False, True):
        values = good | ({name: value} if broken else {})
        figures = [Figure(one, held, "", 1, (held, held)) for one, held in values.items()]
        printed = io.StringIO()
        assert bench._kept(figures, Console(file=printed, width=200)) is not broken
        assert (name in printed.getvalue()) is broken


@pytest.mark.long
def test_the_oracle_is_calibrated_to_the_promise() -> None:
    """The threshold's mean run length is the promise's by construction; other streams are as long, within a sixth."""
    threshold, mean = oracle_threshold(2000, 1)
    assert mean >= PROMISE
    found = run_lengths(oracle(threshold), COINS, streams=400, longest=100_000, seed=3)
    assert found.stopped == 0
    assert found.mean.value == pytest.approx(mean, rel=1 / 6)


def test_streams_that_were_stopped_count_as_long_as_they_ran() -> None:
    found = run_lengths(OURS, COINS, streams=3, longest=20, seed=1)
    assert found == RunLengths((20, 20, 20), 3)


def test_all_contenders_see_the_same_scores() -> None:
    ours = delays(OURS, COINS, streams=4, before=50, longest=2000, seed=5)
    assert ours == delays(OURS, COINS, streams=4, before=50, longest=2000, seed=5)
    fixed = delays(FIXED, COINS, streams=4, before=50, longest=2000, seed=5)
    assert fixed.delays != ours.delays


def test_every_kind_of_stream_gives_scores() -> None:
    for kind in (*PLAIN, *FOLLOWING, *WEEKLY):
        assert delays(OURS, kind, streams=1, before=0, longest=3000, seed=2).missed == 0


def test_the_promise_is_kept_on_a_few_streams() -> None:
    sizes = replace(QUICK, streams=12, further=1, longest=6_000, further_longest=500, rated=200)
    figures = {figure.name: figure for figure in promise_kept(sizes).figures}
    assert figures["mean_run_length"].value > PROMISE
    assert figures["stationary_streams"].value == 12
