"""The agents of one run, each with its recorder, as a process would have them."""

from __future__ import annotations

import threading
from dataclasses import dataclass, replace
from typing import Any, Protocol

from watchkeeper.producers import Watchkeeper
from watchkeeper.producers.fleet.agent_spec import AgentSpec, ToolFunction
from watchkeeper.producers.fleet.agents import AGENTS
from watchkeeper.producers.fleet.faults import Fault
from watchkeeper.producers.fleet.pace import Pace
from watchkeeper.producers.fleet.worlds.all_worlds import Worlds
from watchkeeper.producers.stops import OnStop, StopOrder
from watchkeeper.producers.tools import SPECIFICATION

CLOSE_SECONDS = 10.0


class Wiring(Protocol):
    """How the fleet is connected: to a broker, or to something in this process."""

    def __call__(self, spec: AgentSpec, on_stop: OnStop, fault: Fault | None) -> Watchkeeper:
        """A recorder for an agent, with `origin="simulated"`; with a fault on its way, where one is given."""


@dataclass(frozen=True, slots=True)
class Player:
    """An agent in one process.

    Attributes:
        spec: who it is.
        watch: its recorder.
        tools: its functions by name, recorded when they are called.
    """

    spec: AgentSpec
    watch: Watchkeeper
    tools: dict[str, ToolFunction]

    @property
    def registered(self) -> list[dict[str, Any]]:
        """The tools as the agent registers them: name, description and JSON Schema."""
        own = {name: getattr(tool, SPECIFICATION) for name, tool in self.tools.items()}
        return [tool | {"parameters": self.spec.by_hand.get(name, tool["parameters"])} for name, tool in own.items()]

    @property
    def listed(self) -> list[dict[str, Any]]:
        """The tools as a model is told of them."""
        return [{"type": "function", "function": tool} for tool in self.registered]


class Cast:
    """Makes players when they are first asked for, and closes them together.

    Args:
        wiring: how they are connected.
        pace: how time passes.
    """

    def __init__(self, wiring: Wiring, pace: Pace) -> None:
        self.pace = pace
        self._wiring = wiring
        self._worlds = Worlds(pace)
        self._lock = threading.RLock()
        self._players: dict[str, Player] = {}
        self._strangers: list[Player] = []
        self._waiting: dict[str, threading.Event] = {}

    def player(self, agent: str) -> Player:
        """The agent in its usual process."""
        with self._lock:
            if agent not in self._players:
                self._players[agent] = self._make(AGENTS[agent], None)
            return self._players[agent]

    def stranger(self, agent: str, fault: Fault | None = None, **changes: Any) -> Player:
        """The agent in a process of its own: another writer, perhaps with a fault on its way.

        Args:
            agent: its name.
            fault: what befalls its events.
            **changes: fields of its `AgentSpec` that are otherwise there: another release, another model.
        """
        player = self._make(replace(AGENTS[agent], **changes), fault)
        with self._lock:
            self._strangers.append(player)
        return player

    def awaiting_stop(self, session_id: str) -> threading.Event:
        """Set when the session is asked to stop."""
        with self._lock:
            return self._waiting.setdefault(session_id, threading.Event())

    def losses(self) -> dict[str, int]:
        """Events that were lost before the broker, by reason, over all players."""
        total: dict[str, int] = {}
        for player in self._everyone():
            for reason, count in player.watch.losses().items():
                total[reason] = total.get(reason, 0) + count
        return total

    def flush(self, seconds: float) -> bool:
        """Waits until everything told so far is acknowledged."""
        flushed = [player.watch.flush(seconds) for player in self._everyone()]
        return all(flushed)

    def close(self) -> None:
        """Ends all recorders, each within `CLOSE_SECONDS`."""
        for player in self._everyone():
            player.watch.close(CLOSE_SECONDS)

    def _everyone(self) -> list[Player]:
        with self._lock:
            return [*self._players.values(), *self._strangers]

    def _make(self, spec: AgentSpec, fault: Fault | None) -> Player:
        watch = self._wiring(spec, self._stopped, fault)
        tools = {function.__name__: watch.tool(function) for function in spec.tools(self._worlds)}
        return Player(spec, watch, tools)

    def _stopped(self, order: StopOrder) -> None:
        if order.action == "terminate":
            self.awaiting_stop(order.session_id).set()
