"""When things are due, and what a day has room for."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from watchkeeper.evals.scheduling.budget import Spent, room
from watchkeeper.evals.scheduling.times import MOST_MISSED, Schedule
from watchkeeper.schemas.errors import ConfigurationError

MIDNIGHT = datetime(2025, 11, 21, tzinfo=UTC)
moments = st.datetimes(datetime(2024, 1, 1), datetime(2027, 1, 1), timezones=st.just(UTC))  # noqa: DTZ001 - bounds are naive
crons = st.sampled_from(["* * * * *", "0 3 * * *", "*/15 8-18 * * 1-5", "30 2 * * 0", "0 0 1 * *", "0 12 29 2 *"])
zones = st.sampled_from(["UTC", "Europe/Berlin", "America/Los_Angeles", "Asia/Kolkata"])


@given(crons, zones, moments)
@example("30 2 * * 0", "Europe/Berlin", datetime(2024, 10, 27, 1, tzinfo=UTC))
def test_the_last_time_is_not_after_now_and_the_next_one_is(cron: str, zone: str, now: datetime) -> None:
    schedule = Schedule(cron, zone)
    last, following = schedule.last_until(now), schedule.next_after(now)
    assert last <= now < following
    assert schedule.next_after(last) == following
    assert schedule.missed(last, following) == 0


@pytest.mark.parametrize("cron", ["* * * * *", "*/15 * * * *", "30 * * * *", "30 2 * * 0", "0 3 * * *", "59 1 * * *"])
@pytest.mark.parametrize(
    ("zone", "change"),
    [
        ("Europe/Berlin", datetime(2024, 10, 27, 1, tzinfo=UTC)),
        ("Europe/Berlin", datetime(2025, 3, 30, 1, tzinfo=UTC)),
        ("America/Los_Angeles", datetime(2024, 11, 3, 9, tzinfo=UTC)),
        ("America/Los_Angeles", datetime(2025, 3, 9, 10, tzinfo=UTC)),
    ],
)
def test_around_the_hour_that_is_missing_or_comes_twice(cron: str, zone: str, change: datetime) -> None:
    schedule = Schedule(cron, zone)
    for minutes in range(-130, 131, 5):
        now = change + timedelta(minutes=minutes)
        last, following = schedule.last_until(now), schedule.next_after(now)
        assert last <= now < following
        assert schedule.next_after(last) == following


def test_times_are_read_in_their_zone() -> None:
    berlin = Schedule("0 3 * * *", "Europe/Berlin")
    assert berlin.next_after(datetime(2025, 7, 1, tzinfo=UTC)) == datetime(2025, 7, 1, 1, tzinfo=UTC)
    assert berlin.next_after(datetime(2025, 12, 1, tzinfo=UTC)) == datetime(2025, 12, 1, 2, tzinfo=UTC)


def test_missed_times_are_counted_so_far() -> None:
    every_minute = Schedule("* * * * *")
    assert every_minute.missed(MIDNIGHT, MIDNIGHT + timedelta(minutes=5)) == 4
    assert every_minute.missed(MIDNIGHT, MIDNIGHT + timedelta(days=300)) == MOST_MISSED


@pytest.mark.parametrize(
    ("cron", "zone", "said"),
    [
        ("every day", "UTC", "five fields"),
        ("0 3 * *", "UTC", "five fields"),
        ("0 25 * * *", "UTC", "hour"),
        ("0 3 * * *", "Berlin", "time zone"),
        ("0 3 * * *", "../../etc/passwd", "time zone"),
        ("0 0 31 2 *", "UTC", "never|day"),
    ],
)
def test_what_never_comes_is_refused(cron: str, zone: str, said: str) -> None:
    with pytest.raises(ConfigurationError, match=said):
        Schedule(cron, zone)


def test_a_day_is_used_evenly() -> None:
    noon = MIDNIGHT + timedelta(hours=12)
    assert room(noon, Spent(), sessions_a_day=240, usd_a_day=None) == pytest.approx(130)
    assert room(noon, Spent(sessions=120), sessions_a_day=240, usd_a_day=None) == pytest.approx(10)
    # Ahead of the clock: a twentieth of what is left, and not nothing.
    assert room(noon, Spent(sessions=200), sessions_a_day=240, usd_a_day=None) == pytest.approx(2)
    assert room(noon, Spent(sessions=240), sessions_a_day=240, usd_a_day=None) == 0


def test_dollars_bound_it_by_what_a_session_costs() -> None:
    noon = MIDNIGHT + timedelta(hours=12)
    dear = Spent(sessions=10, usd=4.0, pending=5, usd_a_session=0.2)
    assert room(noon, dear, sessions_a_day=1000, usd_a_day=24.0) == pytest.approx((13 - 4 - 1) / 0.2)
    assert room(noon, Spent(sessions=10), sessions_a_day=1000, usd_a_day=24.0) > 500


@given(moments, st.integers(0, 2000), st.floats(0, 50), st.integers(0, 50), st.floats(0.001, 2))
def test_no_day_takes_more_than_its_budget(now: datetime, sessions: int, usd: float, pending: int, each: float) -> None:
    spent = Spent(sessions, usd, pending, each)
    free = room(now, spent, sessions_a_day=500, usd_a_day=10.0)
    assert 0 <= free <= max(0, 500 - sessions)
    assert free == 0 or usd + (pending + free) * each <= 10.0 + 1e-6
