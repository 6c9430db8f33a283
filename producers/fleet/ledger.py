"""What was injected: written by the fleet, read by whoever compares. It never travels with the events."""

from __future__ import annotations

import threading
from dataclasses import dataclass, field
from typing import Literal

from watchkeeper.producers.fleet.scenario import Expectation

Outcome = Literal["running", "completed", "stopped", "failed"]


@dataclass(slots=True)
class Entry:
    """One session.

    Attributes:
        expected: what must be found about it, and nothing else.
        must_stop: whether the pipeline must stop it.
        outcome: how it went, as the agent saw it.
        stopped_us: when the agent learnt that it must stop, epoch microseconds.
        best_answer: the best answer so far, as the agent got it when it was stopped.
        trouble: what went wrong in the simulation itself.
        abandoned: it will never tell its end.
        past: it is told with the times at which it was, long ago.
    """

    scenario: str
    agent: str
    session_id: str
    expected: tuple[Expectation, ...] = ()
    must_stop: bool = False
    outcome: Outcome = "running"
    stopped_us: int | None = None
    best_answer: str | None = None
    trouble: str = ""
    abandoned: bool = False
    past: bool = False


@dataclass(frozen=True, slots=True)
class AgentExpectation:
    """What must be found over all sessions of a scenario: about its agent, or about some of its sessions."""

    scenario: str
    agent: str
    expectation: Expectation


@dataclass(slots=True)
class Ledger:
    """All that one run injected. Safe to use from any thread."""

    _lock: threading.Lock = field(default_factory=threading.Lock, repr=False)
    _entries: dict[str, Entry] = field(default_factory=dict)
    _of_agents: list[AgentExpectation] = field(default_factory=list)

    def open(self, entry: Entry) -> Entry:
        """Takes note that a session begins."""
        with self._lock:
            self._entries[entry.session_id] = entry
        return entry

    def expect_of_agent(self, expectation: AgentExpectation) -> None:
        """Takes note of what must be found about an agent."""
        with self._lock:
            self._of_agents.append(expectation)

    def entries(self) -> list[Entry]:
        """The sessions so far, in the order of their start."""
        with self._lock:
            return list(self._entries.values())

    def of_agents(self) -> list[AgentExpectation]:
        """What must be found about agents."""
        with self._lock:
            return list(self._of_agents)

    def get(self, session_id: str) -> Entry | None:
        """The session of this id, if the fleet played it."""
        with self._lock:
            return self._entries.get(session_id)
