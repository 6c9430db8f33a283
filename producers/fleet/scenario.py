"""What is declared of a scenario: who plays, what goes wrong, and what the pipeline must find."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from random import Random
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Literal

from watchkeeper.producers.fleet.model import Script
from watchkeeper.producers.fleet.worlds import chance_for
from watchkeeper.schemas.errors import ConfigurationError
from watchkeeper.schemas.failure_modes import FailureMode, Severity

if TYPE_CHECKING:
    from watchkeeper.producers.fleet.stage import Stage

About = Literal["session", "agent"]
Chapter = Literal["everyday", "near_miss"] | FailureMode


@dataclass(frozen=True, slots=True)
class Expectation:
    """Findings that a scenario must lead to, and the only ones that it may.

    Attributes:
        failure_mode: their mode.
        kind: the shape of their evidence.
        severity: where it tells two findings of one kind apart (a warning and a breach); None for any.
        evidence: fields of the evidence that must have these values.
        times: how many of them each session leads to.
        about: a finding about the session, or `agent`: over all sessions of the scenario together, whichever it names.
        optional: it may be found and need not: where chance decides (whether a tick falls between two moments).
    """

    failure_mode: FailureMode
    kind: str
    severity: Severity | None = None
    evidence: Mapping[str, Any] = field(default_factory=lambda: MappingProxyType({}))
    times: int = 1
    about: About = "session"
    optional: bool = False


@dataclass(frozen=True, slots=True)
class Brief:
    """What makes one session of a scenario differ from the next.

    Attributes:
        scenario: the scenario's name.
        number: counts the scenario's sessions from 0.
        of: how many there are.
        seed: the run's.
    """

    scenario: str
    number: int
    of: int
    seed: int

    @property
    def key(self) -> str:
        """Names the session in the worlds: nothing that it touches is touched by another."""
        return f"{self.scenario}-{self.seed}-{self.number}"

    @property
    def chance(self) -> Random:
        """A source of chance of this session's own, anew at each use."""
        return chance_for(self.key)

    @property
    def customer(self) -> str:
        """Who asks."""
        return f"c{self.chance.randrange(10_000, 100_000)}"


@dataclass(frozen=True, slots=True)
class Job:
    """What an agent is to do.

    Attributes:
        goal: as the agent is told.
        asks: what the user says, turn by turn.
        script: what the model does about it.
        intent: the class of request.
        caches: whether the provider caches what it has read before.
        options: how its session differs from the agent's others: what `Watchkeeper.session` takes.
    """

    goal: str
    asks: tuple[str, ...]
    script: Script
    intent: str = ""
    caches: bool = True
    options: Mapping[str, Any] = field(default_factory=lambda: MappingProxyType({}))


@dataclass(frozen=True, slots=True)
class Scenario:
    """One way in which sessions go.

    Attributes:
        name: stable, in kebab case.
        agent: who plays; a name of `agents.AGENTS`.
        chapter: the failure mode that it shows, `everyday`, or `near_miss`: what looks wrong and is not.
        happens: one sentence: what the agent does.
        shows: one sentence: what this tells of the pipeline.
        job: what each session is about.
        expects: what must be found; nothing for a clean scenario.
        stopped: whether the pipeline must stop the session, and the agent must learn of it.
        sessions: how many there are at least.
        misbehaves: which of its sessions go wrong; all of them, if None.
        play: how a session runs; a plain conversation, if None.
        slow: whether a session takes seconds for nothing but waiting; such ones begin first.
        alone: its sessions belong together: it is played once in a run, however many sessions there are to be.
        past: its sessions are told with the times at which they were, days ago: how soon something was found of them
            says nothing.
    """

    name: str
    agent: str
    chapter: Chapter
    happens: str
    shows: str
    job: Callable[[Brief], Job]
    expects: tuple[Expectation, ...] = ()
    stopped: bool = False
    sessions: int = 1
    misbehaves: Callable[[Brief], bool] | None = None
    play: Callable[[Stage], None] | None = None
    slow: bool = False
    alone: bool = False
    past: bool = False

    @property
    def clean(self) -> bool:
        """Whether nothing may be found."""
        return not self.expects

    def expected(self, brief: Brief) -> tuple[Expectation, ...]:
        """What must be found about one session of the scenario."""
        if self.misbehaves is not None and not self.misbehaves(brief):
            return ()
        return tuple(one for one in self.expects if one.about == "session")

    @property
    def expected_of_agent(self) -> tuple[Expectation, ...]:
        """What must be found over all sessions of the scenario together."""
        return tuple(one for one in self.expects if one.about == "agent")


class Registry:
    """The scenarios by name, in the order of the failure catalogue."""

    def __init__(self, *groups: tuple[Scenario, ...]) -> None:
        self._scenarios: dict[str, Scenario] = {}
        for scenario in (one for group in groups for one in group):
            if scenario.name in self._scenarios:
                raise ConfigurationError(f"two scenarios are named {scenario.name}: rename one")
            self._scenarios[scenario.name] = scenario

    def __iter__(self) -> Iterator[Scenario]:
        return iter(self._scenarios.values())

    def __len__(self) -> int:
        return len(self._scenarios)

    def __getitem__(self, name: str) -> Scenario:
        """The scenario of this name.

        Raises:
            ConfigurationError: there is none; the message lists those that there are.
        """
        if name not in self._scenarios:
            raise ConfigurationError(f"no scenario {name!r}; there are: {', '.join(self._scenarios)}")
        return self._scenarios[name]
