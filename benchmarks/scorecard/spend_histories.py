"""Agents that spend more than they used to, whatever their budgets, and agents whose spend only looks like it."""

from __future__ import annotations

from typing import Final

from scorecard.habits import Habit
from scorecard.model import NearMiss, Recipe, Sought
from scorecard.stage import DAY_US, HOUR_US, Stage


def _dollars_for_cents(stage: Stage) -> Sought:
    """After days of sessions that cost cents, one spends a hundred times as much and more."""
    habit = Habit(stage, usd=stage.rng.uniform(0.01, 0.04))
    days = stage.rng.randrange(3, 6)
    habit.days(range(days), (115 // days, 130 // days))
    usd = max(1.0, habit.usd * stage.rng.uniform(100, 400))
    at_us = habit.begin_us + days * DAY_US + habit.hour * HOUR_US
    desk = habit.spend(at_us, usd, requests=stage.rng.randrange(8, 30))
    return stage.sought(desk, kind="spend_outlier")


def _dear_hour(stage: Stage) -> Sought:
    """From one hour on every session costs several times as much: another model, a longer prompt, a forgotten cache."""
    habit = Habit(stage, usd=stage.rng.uniform(0.03, 0.12))
    days = stage.rng.randrange(10, 13)
    habit.days(range(days), (11, 14))
    times = stage.rng.uniform(7, 15)
    habit.hour_of(days, [habit.usual() * times for _ in range(stage.rng.randrange(12, 17))])
    return stage.sought_of(habit.name, kind="spend_above_history", what="hour")


def _started_again_and_again(stage: Stage) -> Sought:
    """A schedule, or a loop outside of the agent, starts it six times as often; a session costs what it always did."""
    habit = Habit(stage, usd=stage.rng.uniform(0.06, 0.2))
    days = stage.rng.randrange(10, 12)
    habit.days(range(days), (11, 13))
    habit.hour_of(days, [habit.usual() for _ in range(stage.rng.randrange(75, 95))])
    return stage.sought_of(habit.name, kind="spend_above_history", what="hour")


def _at_night(stage: Stage) -> Sought:
    """An agent that works by day spends dollars in the middle of the night."""
    habit = Habit(stage, usd=stage.rng.uniform(0.04, 0.1), hour=stage.rng.randrange(9, 17))
    days = stage.rng.randrange(10, 13)
    habit.days(range(days), (11, 14))
    costs = [habit.usual() * stage.rng.uniform(6, 12) for _ in range(stage.rng.randrange(8, 14))]
    habit.hour_of(days, costs, hour=stage.rng.randrange(1, 5))
    return stage.sought_of(habit.name, kind="spend_above_history", what="hour")


def _dearer_by_the_day(stage: Stage) -> Sought:
    """For three days sessions cost twice as much, or three times: no hour and no session stands out."""
    habit = Habit(stage, usd=stage.rng.uniform(1.5, 4.0), spread=stage.rng.uniform(0.1, 0.3))
    days = stage.rng.randrange(18, 22)
    habit.days(range(days), (4, 5))
    habit.days(range(days, days + 3), (4, 5), times=stage.rng.uniform(2.2, 3.2))
    habit.days(range(days + 3, days + 4), (2, 2))
    return stage.sought_of(habit.name, kind="spend_above_history", what="days")


def _some_were_always_dear(stage: Stage) -> None:
    """One session of ten has always cost thirty times as much as the others."""
    habit = Habit(stage, usd=stage.rng.uniform(0.02, 0.06))
    for day in range(9):
        costs = [habit.usual() for _ in range(12)]
        costs.insert(stage.rng.randrange(13), 30 * habit.usd * stage.rng.uniform(0.8, 1.2))
        habit.hour_of(day, costs)


def _one_busy_day_a_week(stage: Stage) -> None:
    """One day of the week costs several times as much as the others, each week."""
    habit = Habit(stage, usd=stage.rng.uniform(0.2, 0.5))
    busy = stage.rng.randrange(7)
    for day in range(22 + busy):
        habit.days(range(day, day + 1), (15, 17) if day % 7 == busy else (3, 3))


def _grows(stage: Stage) -> None:
    """It is used twice as much as before, at the same cost a session."""
    habit = Habit(stage, usd=stage.rng.uniform(1.5, 3.0))
    habit.days(range(18), (4, 4))
    habit.days(range(18, 22), (8, 9))


def _first_day(stage: Stage) -> None:
    """A new agent's first hundred sessions are short; then the work begins that it is for."""
    habit = Habit(stage, usd=stage.rng.uniform(0.01, 0.03))
    for hour in range(5):
        habit.hour_of(0, [habit.usual() for _ in range(21)], hour=3 + hour)
    for _ in range(3):
        habit.hour_of(0, [stage.rng.uniform(1, 3)], hour=stage.rng.randrange(9, 20))


RECIPES: Final = (
    Recipe("dollars-for-cents", "One session spends dollars where others spend cents.", _dollars_for_cents),
    Recipe("dear-hour", "From one hour on every session costs several times as much.", _dear_hour),
    Recipe("started-too-often", "Is started six times as often as ever.", _started_again_and_again),
    Recipe("spends-at-night", "Spends dollars at an hour at which it never works.", _at_night),
    Recipe("dearer-by-the-day", "For three days sessions cost twice as much.", _dearer_by_the_day),
)
"""Found by nothing but the agent's own past."""

NEAR_MISSES: Final = (
    NearMiss("always-some-dear-ones", "One session of ten has always been dear.", _some_were_always_dear),
    NearMiss("one-busy-day-a-week", "One day of each week costs several times as much.", _one_busy_day_a_week),
    NearMiss("grows", "Is used twice as much, at the same cost a session.", _grows),
    NearMiss("first-day", "Becomes dear on its first day: there is no past yet.", _first_day),
)
