"""The fleet's agents by name."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from watchkeeper.producers.fleet.agent_spec import AgentSpec
from watchkeeper.producers.fleet.rosters.decisions import DECISIONS
from watchkeeper.producers.fleet.rosters.money import MONEY
from watchkeeper.producers.fleet.rosters.office import OFFICE
from watchkeeper.producers.fleet.rosters.readers import READERS
from watchkeeper.producers.fleet.rosters.teams import TEAMS

AGENTS: Final[Mapping[str, AgentSpec]] = MappingProxyType(
    {spec.name: spec for spec in (*OFFICE, *DECISIONS, *MONEY, *READERS, *TEAMS)}
)
