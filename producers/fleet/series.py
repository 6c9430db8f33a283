"""Plays of several sessions: one after the other, in turns, or long ago."""

from __future__ import annotations

import contextvars
from collections.abc import Callable
from contextlib import ExitStack
from typing import TYPE_CHECKING, Any, Final

from watchkeeper.producers.fleet.pace import SESSION_CLOCK, LateClock, PastClock
from watchkeeper.producers.fleet.scenario import Brief, Job
from watchkeeper.producers.identity import system_clock

if TYPE_CHECKING:
    from watchkeeper.producers.fleet.cast import Player
    from watchkeeper.producers.fleet.plays import Play
    from watchkeeper.producers.fleet.stage import Stage

PAUSE_SECONDS: Final = 0.5
"""Between two sessions whose order matters, so that a worker that reads several partitions meets them in it."""

APART_SECONDS: Final = 0.25
"""Between turns of two sessions at once: what is closer together than clocks are has no order."""

FLUSH_SECONDS: Final = 10.0
DAY_US: Final = 86_400_000_000
KNOWN_DAYS: Final = 2
HOUR_US: Final = 3_600_000_000
MARGIN_US: Final = 15_000_000

MakeJob = Callable[[Brief], Job]


def one_session(stage: Stage, player: Player, job: Job, **options: Any) -> str:
    """A plain conversation about a job, of which nothing is expected by itself; answers the session's id."""
    session = stage.session(player, job=job, **options)
    with stage.noted(session, agent=player.spec.name, innocent=True), session:
        talk = stage.talk(player, session, job=job)
        for question in job.asks:
            talk.ask(session, question)
    return session.session_id


def pause(stage: Stage, player: Player) -> None:
    """Lets everything told so far leave, and a moment pass."""
    player.watch.flush(FLUSH_SECONDS)
    stage.cast.pace.think(PAUSE_SECONDS)


def in_series(*jobs: MakeJob) -> Play:
    """One session for each job, one after the other."""

    def play(stage: Stage) -> None:
        for make in jobs:
            one_session(stage, stage.player, make(stage.brief))
            pause(stage, stage.player)

    return play


def slowing(quick: tuple[MakeJob, ...], seconds: float, slow: tuple[MakeJob, ...]) -> Play:
    """Sessions as ever, then sessions that began so many seconds ago and have been at work since."""

    def play(stage: Stage) -> None:
        in_series(*quick)(stage)
        for make in slow:
            clock = LateClock(seconds)
            token = SESSION_CLOCK.set(clock)
            try:
                one_session(stage, stage.player, make(stage.brief), clock=clock)
            finally:
                SESSION_CLOCK.reset(token)
            pause(stage, stage.player)

    return play


def within_one_hour(play: Play) -> Play:
    """A play that does not begin in the last seconds of an hour: what counts by hours would see half of it."""

    def later(stage: Stage) -> None:
        left_us = HOUR_US - system_clock() % HOUR_US
        if left_us < MARGIN_US:
            stage.cast.pace.wait_whole(left_us / 1_000_000)
        play(stage)

    return later


def released_between(before: MakeJob, after: MakeJob, **changes: Any) -> Play:
    """Sessions of an agent's usual process, then of one that runs another release."""

    def play(stage: Stage) -> None:
        for _ in range(2):
            one_session(stage, stage.player, before(stage.brief))
            pause(stage, stage.player)
        newer = stage.cast.stranger(stage.scenario.agent, **changes)
        for _ in range(2):
            one_session(stage, newer, after(stage.brief))
            pause(stage, newer)

    return play


def taking_turns(other: str, theirs: MakeJob) -> Play:
    """Two sessions at once, the second of another agent: a turn of the one, a turn of the other, and so on."""

    def play(stage: Stage) -> None:
        sides = [(stage.player, stage.job), (stage.cast.player(other), theirs(stage.brief))]
        with ExitStack() as stack:
            turns = []
            for player, job in sides:
                session = stage.session(player, job=job)
                stack.enter_context(stage.noted(session, agent=player.spec.name, innocent=True))
                # Each in a context of its own: tools are recorded in the session that is current.
                context = contextvars.copy_context()
                context.run(session.__enter__)
                stack.callback(context.run, session.__exit__, None, None, None)
                talk = stage.talk(player, session, job=job)
                turns.append([(context, talk, session, question) for question in job.asks])
            for pair in zip(*turns, strict=True):
                for context, talk, session, question in pair:
                    context.run(talk.ask, session, question)
                    stage.cast.pace.wait_whole(APART_SECONDS)

    return play


def over_days(days: int, a_day: int, make: Callable[[Brief, int, int], Job], tell: Outcomes) -> Play:
    """Sessions of the past days, told with the times at which they were, and what was known of each days later.

    Args:
        days: how many.
        a_day: sessions on each.
        make: the job of a session: its day, from 0 for the first, and its number on the day.
        tell: what came of it: name, value, and after how many days it was known.
    """

    def play(stage: Stage) -> None:
        # From six in the morning on, and so long ago that what became known days later is known by now.
        first_us = (system_clock() // DAY_US - days - KNOWN_DAYS) * DAY_US + DAY_US // 4
        for day in range(days):
            for number in range(a_day):
                at_us = first_us + day * DAY_US + number * (DAY_US // (2 * a_day))
                _long_ago(stage, at_us, make(stage.brief, day, number), tell(day, number))
            # Days are compared: the worker should meet them in their order.
            pause(stage, stage.player)

    return play


def after(past: Play, make: MakeJob) -> Play:
    """A play of the past, and a session of the present."""

    def play(stage: Stage) -> None:
        past(stage)
        one_session(stage, stage.player, make(stage.brief))

    return play


def nothing_known(_day: int, _number: int) -> tuple[tuple[str, float, float], ...]:
    """Of sessions of the past no outcome became known."""
    return ()


Outcomes = Callable[[int, int], tuple[tuple[str, float, float], ...]]


def _long_ago(stage: Stage, at_us: int, job: Job, outcomes: tuple[tuple[str, float, float], ...]) -> None:
    clock = PastClock(at_us)
    token = SESSION_CLOCK.set(clock)
    try:
        session_id = one_session(stage, stage.player, job, clock=clock)
    finally:
        SESSION_CLOCK.reset(token)
    for name, value, days in outcomes:
        known = PastClock(at_us + round(days * DAY_US))
        with stage.player.watch.attach(session_id, clock=known) as told:
            told.outcome(name, value, source="crm")
