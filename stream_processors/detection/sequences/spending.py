"""Sequences of `cost_runaway` over many sessions: budgets, and an agent's own past."""

from __future__ import annotations

from typing import Any, Final

from watchkeeper.schemas.policy import AgentPolicy
from watchkeeper.stream_processors.detection.sequences.sequence import Fires, Scene, Sequence

MODE: Final = "cost_runaway"
_MINUTE: Final = 60.0
_HOUR: Final = 3600.0
_DAY: Final = 86_400.0
_TOKENS_A_DOLLAR: Final = 100_000
"""Output tokens, by `prices`."""
_NO_CAPS: Final = {"tool_calls": None, "tokens": None, "wall_clock_seconds": None, "cost_usd": None}
_CENTS: Final = 0.03


def _policy(**budgets: Any) -> AgentPolicy:
    return AgentPolicy.model_validate({"agent": "clerk", "caps": _NO_CAPS, "budgets": budgets})


NONE: Final = _policy()
HOUR: Final = _policy(per_hour_usd=10.0)
DAY: Final = _policy(per_day_usd=10.0)
USER: Final = _policy(per_user_day_usd=2.0)
TENANT: Final = _policy(per_tenant_day_usd=10.0, bands=[1.0])


class _Clerk:
    """Tells sessions that spend, one after the other."""

    def __init__(self, scene: Scene, policy: AgentPolicy, agent: str = "clerk") -> None:
        self._scene, self._policy, self._agent = scene, policy, agent
        self.at_us = scene.start_us

    def at(self, seconds: float) -> _Clerk:
        """So long after the scene's beginning."""
        self.at_us = self._scene.start_us + round(seconds * 1_000_000)
        return self

    def spend(self, *usd: float, every: float = _MINUTE, user: str = "", requests: int = 1) -> None:
        """A session for each sum, spent in so many requests."""
        for dollars in usd:
            header = {"user_id": user} if user else {}
            story = self._scene.story(agent=self._agent, policy=self._policy, start_us=self.at_us, header=header)
            story.start()
            for _ in range(requests):
                story.response(0, round(dollars * _TOKENS_A_DOLLAR / requests))
            story.end()
            self.at_us += round(every * 1_000_000)


def _day_is_spent(scene: Scene) -> None:
    _Clerk(scene, DAY).spend(*[2.1] * 5, every=10 * _MINUTE)


def _will_be_spent(scene: Scene) -> None:
    _Clerk(scene, HOUR).at(5 * _MINUTE).spend(2.0, 2.0, 2.0, every=7.5 * _MINUTE)


def _one_user(scene: Scene) -> None:
    clerk = _Clerk(scene, USER)
    clerk.spend(0.7, 0.7, 0.7, user="u-7")
    clerk.spend(0.5, user="u-8")


def _two_agents(scene: Scene) -> None:
    _Clerk(scene, TENANT).spend(2.0, 2.0, 2.0)
    _Clerk(scene, TENANT, "analyst").at(_HOUR).spend(2.5, 2.5)


def _past(scene: Scene, *usd: float, hour: float = 9.0, days: int = 8) -> _Clerk:
    """The same sessions on each of so many days, from the hour on; the next day is at hand."""
    clerk = _Clerk(scene, NONE)
    for day in range(days):
        clerk.at(day * _DAY + hour * _HOUR).spend(*usd)
    return clerk.at(days * _DAY + hour * _HOUR)


_MORNING: Final = (_CENTS,) * 13


def _dollars_for_cents(scene: Scene) -> None:
    _past(scene, *_MORNING).spend(3.0, requests=30)


def _dear_hour(scene: Scene) -> None:
    _past(scene, *_MORNING).spend(*[0.28] * 6)


def _crowded_hour(scene: Scene) -> None:
    _past(scene, *_MORNING).spend(*[_CENTS] * 48)


def _dear_night(scene: Scene) -> None:
    clerk = _past(scene, *_MORNING)
    clerk.at(8 * _DAY + 2 * _HOUR).spend(*[0.25] * 8)


def _dearer_by_the_day(scene: Scene) -> None:
    clerk = _past(scene, 2.0, 2.0, days=18)
    for day in range(18, 21):
        clerk.at(day * _DAY + 9 * _HOUR).spend(4.5, 4.5)
    clerk.at(21 * _DAY + 9 * _HOUR).spend(4.5)


def _below_the_band(scene: Scene) -> None:
    _Clerk(scene, DAY).spend(*[1.9] * 4, every=10 * _MINUTE)


def _two_days(scene: Scene) -> None:
    clerk = _Clerk(scene, DAY)
    clerk.at(20 * _HOUR).spend(*[1.5] * 3)
    clerk.at(25 * _HOUR).spend(*[1.5] * 5)


def _burst_that_ends(scene: Scene) -> None:
    clerk = _Clerk(scene, HOUR)
    clerk.at(2 * _MINUTE).spend(2.0, 2.0, 2.0)
    clerk.at(40 * _MINUTE).spend(0.2)


def _new_agent(scene: Scene) -> None:
    clerk = _Clerk(scene, NONE)
    clerk.spend(*[_CENTS] * 30)
    clerk.spend(3.0, requests=30)


def _always_some_dear_ones(scene: Scene) -> None:
    _past(scene, *_MORNING[1:], 1.0).spend(*_MORNING[1:], 1.2)


def _busy_mornings(scene: Scene) -> None:
    clerk = _Clerk(scene, NONE)
    for day in range(8):
        clerk.at(day * _DAY + 3 * _HOUR).spend(_CENTS, _CENTS)
        clerk.at(day * _DAY + 9 * _HOUR).spend(*[0.2] * 11)
    clerk.at(8 * _DAY + 9 * _HOUR).spend(*[0.2] * 14)


def _every_seventh_day(scene: Scene) -> None:
    clerk = _Clerk(scene, NONE)
    for day in range(22):
        often = 18 if day % 7 == 0 else 3
        clerk.at(day * _DAY + 9 * _HOUR).spend(*[0.3] * often)


def _grows(scene: Scene) -> None:
    clerk = _past(scene, 2.0, 2.0, days=18)
    for day in range(18, 22):
        clerk.at(day * _DAY + 9 * _HOUR).spend(2.0, 2.0, 2.0, 2.0)


def _grows_unequally(scene: Scene) -> None:
    """One session of three costs seven times as much; when there are more of them, by chance some more are dear."""
    clerk = _past(scene, 0.8, 0.8, 5.6, 0.8, days=18)
    for day in range(18, 22):
        clerk.at(day * _DAY + 9 * _HOUR).spend(0.8, 0.8, 5.6, 5.6, 0.8, 5.6, 0.8)


def _use(severity: Any, **evidence: Any) -> Fires:
    return Fires("budget_use", severity=severity, evidence=evidence)


SEQUENCES: Final = (
    Sequence(
        "day-is-spent",
        MODE,
        "Five sessions spend the agent's budget for the day in an hour.",
        _day_is_spent,
        (
            _use("low", whose="agent", per="day", band=0.8),
            _use("high", whose="agent", per="day", band=1.0),
        ),
    ),
    Sequence(
        "will-be-spent",
        MODE,
        "At the present rate the hour costs nearly twice its budget.",
        _will_be_spent,
        (_use("low", whose="agent", per="hour", band=None),),
    ),
    Sequence(
        "one-user",
        MODE,
        "One user alone spends the day's budget of a user.",
        _one_user,
        (_use("high", whose="user", per="day", band=1.0),),
    ),
    Sequence(
        "two-agents",
        MODE,
        "Two agents, each within reason, spend the tenant's day.",
        _two_agents,
        (_use("high", whose="tenant", per="day", band=1.0),),
    ),
    Sequence(
        "dollars-for-cents",
        MODE,
        "One session spends three dollars; a hundred before it spent three cents each.",
        _dollars_for_cents,
        (Fires("spend_outlier", severity="medium"),),
    ),
    Sequence(
        "dear-hour",
        MODE,
        "A release makes each session nine times as dear; no budget was declared.",
        _dear_hour,
        (Fires("spend_above_history", severity="medium", evidence={"what": "hour"}),),
    ),
    Sequence(
        "crowded-hour",
        MODE,
        "A scheduler starts four times as many sessions as usual.",
        _crowded_hour,
        (Fires("spend_above_history", severity="low", evidence={"what": "hour"}),),
    ),
    Sequence(
        "dear-night",
        MODE,
        "An agent that works in the morning alone spends at two at night.",
        _dear_night,
        (Fires("spend_above_history", severity="medium", evidence={"source": "the 3 dearest hours of 7 days"}),),
    ),
    Sequence(
        "dearer-by-the-day",
        MODE,
        "For three days sessions cost twice as much: too little for the alarm of an hour.",
        _dearer_by_the_day,
        (Fires("spend_above_history", severity="medium", evidence={"what": "days"}),),
    ),
    Sequence("below-the-band", MODE, "Three quarters of the day's budget.", _below_the_band),
    Sequence("two-days", MODE, "More than a day's budget, in two days.", _two_days),
    Sequence("burst-that-ends", MODE, "Most of an hour's budget at once, and then nothing.", _burst_that_ends),
    Sequence("new-agent", MODE, "A dear session of an agent that is half an hour old.", _new_agent),
    Sequence("always-some-dear-ones", MODE, "One session of thirteen has always been dear.", _always_some_dear_ones),
    Sequence("busy-mornings", MODE, "Each morning costs forty times as much as the night.", _busy_mornings),
    Sequence(
        "every-seventh-day", MODE, "One day of the week costs six times as much as the others.", _every_seventh_day
    ),
    Sequence("grows", MODE, "Twice as many sessions at the same cost.", _grows),
    Sequence(
        "grows-unequally", MODE, "More sessions, of which by chance somewhat more are dear ones.", _grows_unequally
    ),
)
