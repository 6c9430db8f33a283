"""What a sampling rate buys, by the worker's own detector."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Any

import orjson
import pytest
from click.testing import CliRunner, Result

from watchkeeper.cli.exit_codes import ExitCode
from watchkeeper.cli.root import watchkeeper
from watchkeeper.evals.scheduling.planning import PATIENCE, PlanRequest, offers, simulate_delays
from watchkeeper.schemas.errors import ConfigurationError

FALL = PlanRequest(0.95, 0.83, promise=1000, runs=60)


def plan(*args: str) -> Result:
    return CliRunner().invoke(watchkeeper, ["evals", "plan", *args])


def test_the_same_seed_gives_the_same_answer_and_another_one_about_the_same() -> None:
    first = simulate_delays(FALL)
    assert first == simulate_delays(FALL)
    other = simulate_delays(replace(FALL, seed=1))
    assert other != first
    assert other.low <= first.high
    assert first.low <= other.high
    assert first.low <= first.median <= first.high <= first.ninety * 2


def test_a_larger_fall_is_noticed_sooner_and_a_longer_promise_later() -> None:
    usual = simulate_delays(FALL)
    assert simulate_delays(replace(FALL, after=0.6)).ninety < usual.median
    assert simulate_delays(replace(FALL, promise=20_000)).median > usual.median
    assert 20 < usual.median < 200


def test_a_rise_is_noticed_as_a_fall_is() -> None:
    fall, rise = simulate_delays(FALL), simulate_delays(PlanRequest(0.05, 0.17, promise=1000, runs=60))
    assert rise.median == pytest.approx(fall.median, rel=0.4)


def test_what_is_too_small_is_never_noticed_and_that_is_said() -> None:
    small = PlanRequest(0.95, 0.925, promise=100, runs=20, baseline=100, tolerance=0.02)
    delays = simulate_delays(small)
    assert delays.never > 0
    assert math.isinf(delays.median) == (delays.never >= 0.5)
    assert math.isinf(delays.median) or delays.median <= PATIENCE * 100
    (offer,) = offers(replace(delays, median=math.inf), small, [20])
    assert math.isinf(offer.median_days)


def test_alarms_before_the_change_keep_the_promise() -> None:
    quiet = simulate_delays(replace(FALL, quiet=500, promise=1000, runs=80))
    # At most one in 1,000 scores on average: in 500 scores at most half of the streams.
    assert quiet.false <= 0.5
    assert quiet.median <= simulate_delays(replace(FALL, runs=80)).high


def test_days_are_scores_by_the_rate() -> None:
    delays = simulate_delays(FALL)
    few, many = offers(delays, FALL, [10, 100])
    assert few.median_days == pytest.approx(10 * many.median_days) == delays.median / 10
    assert (few.false_alarm_days, few.baseline_days) == (100, 50)


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"before": 1.2}, "from 0 to 1"),
        ({"after": 0.94}, "is no change"),
        ({"baseline": 3}, "too short"),
        ({"runs": 5}, "at least 20"),
    ],
)
def test_what_cannot_be_simulated_is_refused(wrong: dict[str, Any], said: str) -> None:
    with pytest.raises(ConfigurationError, match=said):
        replace(FALL, **wrong)


def test_the_command_says_it_in_a_sentence() -> None:
    told = plan("--per-day", "20", "--from", "0.95", "--to", "0.83", "--false-alarms", "1000", "--runs", "20")
    assert told.exit_code == 0
    first, *table = told.output.splitlines()
    assert first.startswith("At 20 graded sessions a day a fall from 95 to 83 % is noticed in about ")
    assert first.endswith("at one false alarm in 1,000 scored sessions (50 days).")
    assert sum("days" in line for line in table) >= 6


def test_the_command_says_it_in_json() -> None:
    told = plan("--per-day", "20", "--per-day", "40", "--runs", "20", "--json")
    document = orjson.loads(told.output)
    slow, fast = document["offers"]
    assert slow["median_days"] == pytest.approx(2 * fast["median_days"])
    assert slow["median_days"] == document["scored_sessions"]["median"] / 20


@pytest.mark.parametrize("args", [("--from", "nan"), ("--from", "95"), ("--to", "0.95")])
def test_the_command_refuses_what_is_no_share(args: tuple[str, ...]) -> None:
    told = plan(*args)
    assert told.exit_code == ExitCode.CONFIGURATION
    assert len(told.stderr.strip().splitlines()) == 1
