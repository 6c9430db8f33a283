"""Plays scenarios side by side: which sessions there are, in which order, and how many at once."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor, as_completed
from dataclasses import dataclass
from typing import Final

from watchkeeper.producers.fleet.cast import Cast
from watchkeeper.producers.fleet.ledger import AgentExpectation, Ledger
from watchkeeper.producers.fleet.scenario import Brief, Registry, Scenario
from watchkeeper.producers.fleet.stage import Stage, perform
from watchkeeper.producers.fleet.worlds import chance_for

AT_ONCE: Final = 10
"""Sessions that run at the same time. Most of the time each waits for its model."""


@dataclass(frozen=True, slots=True)
class Part:
    """One session that will be played."""

    scenario: Scenario
    brief: Brief


@dataclass(frozen=True, slots=True)
class Plan:
    """The sessions of one run, in the order in which they start.

    Attributes:
        seed: the same seed gives the same sessions.
    """

    seed: int
    parts: tuple[Part, ...]

    @property
    def scenarios(self) -> list[Scenario]:
        """The scenarios that are played, each once."""
        return list({part.scenario.name: part.scenario for part in self.parts}.values())


def make_plan(registry: Registry, *, seed: int = 0, sessions: int | None = None, only: Sequence[str] = ()) -> Plan:
    """Chooses the sessions of a run.

    Args:
        registry: the scenarios.
        seed: of everything that is left to chance.
        sessions: how many there are to be. Each scenario is played as often as it asks at least; what is over goes
            to the everyday ones, or to the chosen ones where there are no everyday ones among them; those that are
            played once stay at that.
        only: names of scenarios; all of them, if empty.

    Raises:
        ConfigurationError: there is no scenario of such a name.
    """
    chosen = [registry[name] for name in dict.fromkeys(only)] or list(registry)
    counts = {scenario.name: scenario.sessions for scenario in chosen}
    several = [scenario for scenario in chosen if not scenario.alone]
    growing = [scenario for scenario in several if scenario.chapter == "everyday"] or several
    over = max(0, (sessions or 0) - sum(counts.values())) if growing else 0
    for index in range(over):
        counts[growing[index % len(growing)].name] += 1
    parts = [
        Part(scenario, Brief(scenario.name, number, counts[scenario.name], seed))
        for scenario in chosen
        for number in range(counts[scenario.name])
    ]
    return Plan(seed, tuple(_mixed(parts, seed)))


def _mixed(parts: list[Part], seed: int) -> list[Part]:
    """In no order, but what takes longest first, then what is many sessions: nobody waits for it at the end."""
    chance_for("order", seed).shuffle(parts)
    return sorted(parts, key=lambda part: (not part.scenario.slow, not part.scenario.alone))


class Fleet:
    """Plays a plan.

    Args:
        cast: the agents.
        ledger: where what is injected is written down.
        at_once: sessions that run at the same time.
    """

    def __init__(self, cast: Cast, ledger: Ledger, at_once: int = AT_ONCE) -> None:
        self._cast = cast
        self._ledger = ledger
        self._at_once = at_once

    def expect(self, plan: Plan) -> None:
        """Writes down what must be found about agents, over all sessions of a scenario."""
        for scenario in plan.scenarios:
            for expectation in scenario.expected_of_agent:
                self._ledger.expect_of_agent(AgentExpectation(scenario.name, scenario.agent, expectation))

    def play(self, parts: Iterable[Part], on_end: Callable[[Part], None]) -> None:
        """Plays sessions until all have ended. `on_end` is called in this thread, once for each.

        Raises:
            Exception: what went wrong in the fleet itself; what scenarios declare does not come out here.
        """
        with ThreadPoolExecutor(self._at_once, thread_name_prefix="fleet") as pool:
            playing: dict[Future[None], Part] = {pool.submit(self._play, part): part for part in parts}
            try:
                for future in as_completed(playing):
                    future.result()
                    on_end(playing[future])
            except BaseException:
                self._cast.pace.call_off()
                pool.shutdown(wait=True, cancel_futures=True)
                raise

    def _play(self, part: Part) -> None:
        if not self._cast.pace.is_over:
            perform(Stage(part.scenario, part.brief, self._cast, self._ledger))
