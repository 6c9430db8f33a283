"""What an agent spends, day after day: sessions of a usual cost at usual hours, before something changes."""

from __future__ import annotations

from typing import Any, Final

from scorecard.desk import Desk
from scorecard.stage import DAY_US, HOUR_US, MINUTE_US, Stage

UNLIMITED: Final = {"tool_calls": None, "tokens": None, "wall_clock_seconds": None, "cost_usd": None}
TOKENS_IN: Final = 2.5e-6
"""US dollars a token that `MODEL` reads; `TOKENS_OUT`: that it writes. By the provider's price list of spring 2026."""
TOKENS_OUT: Final = 10e-6
MODEL: Final = "gpt-4o"
TOPICS: Final = ("a tender", "the minutes", "a datasheet", "three offers", "the week's mail", "an expert report")


class Habit:
    """An agent without budgets, and what its sessions usually cost.

    Attributes:
        usd: what half of its sessions stay within.
        name: the agent's, one of its own.
        hour: of the day, UTC, at which it begins to work.
        begin_us: midnight of its first day, epoch microseconds.
    """

    def __init__(self, stage: Stage, *, usd: float, hour: int | None = None, spread: float | None = None) -> None:
        rng = stage.rng
        self.stage, self.rng, self.usd = stage, rng, usd
        self.name = f"{rng.choice(('writer', 'reader', 'planner', 'sorter'))}-{rng.randrange(10**9)}"
        self.hour = rng.randrange(5, 19) if hour is None else hour
        self.begin_us = stage.start_us - stage.start_us % DAY_US
        self._spread = rng.uniform(0.2, 0.6) if spread is None else spread
        self._ground = stage.job("support")
        self._about = rng.choice(TOPICS)

    def usual(self) -> float:
        """What one of its sessions costs, by chance: a few cost twice as much as most."""
        return self.usd * self.rng.lognormvariate(0, self._spread)

    def spend(self, at_us: int, usd: float, *, requests: int = 1) -> Desk:
        """A session that begins then and spends so much, in so many requests."""
        desk = self.stage.open(
            self._ground,
            policy={"caps": UNLIMITED},
            agent=self.name,
            at_us=at_us,
            model=MODEL,
            provider="openai",
            tools=[],
        )
        desk.user(f"Please work through {self._about}.")
        for number in range(requests):
            self._ask(desk, usd / requests, last=number == requests - 1)
        desk.end()
        return desk

    def hour_of(self, day: int, costs: list[float], *, hour: int | None = None) -> list[Desk]:
        """So many sessions, evenly over most of an hour of that day; by default its own hour."""
        start_us = self.begin_us + day * DAY_US + (self.hour if hour is None else hour) * HOUR_US + 4 * MINUTE_US
        each_us = 48 * MINUTE_US // max(1, len(costs))
        return [self.spend(start_us + number * each_us, usd) for number, usd in enumerate(costs)]

    def days(self, days: range, sessions: tuple[int, int], *, times: float = 1.0) -> None:
        """Its usual work on each of these days: so many sessions, at least and at most.

        Args:
            days: counted from its first.
            sessions: a day.
            times: as dear as usual.
        """
        for day in days:
            self.hour_of(day, [self.usual() * times for _ in range(self.rng.randint(*sessions))])

    def _ask(self, desk: Desk, usd: float, *, last: bool) -> None:
        written = max(20, round(usd * self.rng.uniform(0.2, 0.7) / TOKENS_OUT))
        read = max(100, round((usd - written * TOKENS_OUT) / TOKENS_IN))
        told: dict[str, Any] = {"output_tokens": written, "model": MODEL, "answer": last}
        desk.respond("Here it is.", request_id=desk.request(input_tokens=read, model=MODEL), **told)
