"""The variables that stand above the dashboards: whose sessions are looked at."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Final, Literal

from grafana_foundation_sdk.builders.dashboard import CustomVariable, QueryVariable, TextBoxVariable
from grafana_foundation_sdk.models.dashboard import VariableOption, VariableRefresh, VariableSort

from watchkeeper.dashboards.grafana.macros import ALL
from watchkeeper.dashboards.grafana.query import DATASOURCE, sql

VariableName = Literal["tenant", "agent", "intent", "version", "origin", "session", "grader"]
Variable = QueryVariable | CustomVariable | TextBoxVariable

_EVERYTHING = VariableOption(selected=True, text=["All"], value=[ALL])


def chosen(name: str, label: str, description: str) -> QueryVariable:
    """A variable whose values are asked for by `sql/variables/NAME.sql`; several may be chosen, at first all."""
    return (
        QueryVariable(name)
        .label(label)
        .description(description)
        .datasource(DATASOURCE)
        .query(sql(f"variables/{name}"))
        .refresh(VariableRefresh.ON_TIME_RANGE_CHANGED)
        .sort(VariableSort.ALPHABETICAL_ASC)
        .multi(True)
        .include_all(True)
        .current(_EVERYTHING)
    )


def tenant() -> QueryVariable:
    """Whose data."""
    return chosen("tenant", "Tenant", "Whose data is shown.")


def agent() -> QueryVariable:
    """Which agents."""
    return chosen("agent", "Agent", "Agents of the chosen tenants that were heard of in the range.")


def intent() -> QueryVariable:
    """What their sessions are about."""
    return chosen(
        "intent", "Intent", "What sessions are about. Panels made of minutes or findings show all intents, and say so."
    )


def version() -> QueryVariable:
    """Which of their versions."""
    return chosen("version", "Version", "Versions of the chosen agents.")


def grader() -> QueryVariable:
    """Which graders."""
    return chosen("grader", "Grader", "Graders that scored sessions of the chosen agents.")


def origin() -> CustomVariable:
    """Live sessions at first: recordings and simulations would change every sum."""
    return (
        CustomVariable("origin")
        .label("Origin")
        .description("Live sessions, simulated ones (the demo's), imported recordings.")
        .values("live,simulated,import")
        .multi(True)
        .current(VariableOption(selected=True, text=["live", "simulated"], value=["live", "simulated"]))
    )


def session() -> TextBoxVariable:
    """Which session: a text, since a list of millions helps nobody."""
    return (
        TextBoxVariable("session")
        .label("Session")
        .description("The id of one session; tables of sessions and findings lead here.")
        .default_value("")
        .current(VariableOption(selected=True, text="", value=""))
    )


VARIABLES: Final[Mapping[VariableName, Callable[[], Variable]]] = {
    "tenant": tenant,
    "agent": agent,
    "intent": intent,
    "version": version,
    "origin": origin,
    "session": session,
    "grader": grader,
}
