"""Interactions and cases for graders."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from watchkeeper.evals.interaction import Interaction, ToolUse, Turn
from watchkeeper.evals.suites.case import Case

BEGAN = datetime(2026, 3, 2, 9, tzinfo=UTC)

MakeInteraction = Callable[..., Interaction]
MakeCase = Callable[..., Case]


@pytest.fixture
def interaction() -> MakeInteraction:
    """Makes an interaction: what was asked, which calls were made, what was answered."""

    def make(
        answer: str = "", calls: tuple[ToolUse, ...] = (), asked: str = "Where is my order?", **fields: Any
    ) -> Interaction:
        turns = (
            Turn(speaker="user", text=asked),
            *([Turn(speaker="assistant", tools=calls)] if calls else []),
            *([Turn(speaker="assistant", text=answer)] if answer else []),
        )
        values: dict[str, Any] = {
            "interaction_id": "session-1",
            "agent_id": "support",
            "turns": turns,
            "started_at": BEGAN,
            "ended_at": BEGAN + timedelta(minutes=3),
        }
        return Interaction(**{**values, **fields})

    return make


@pytest.fixture
def case() -> MakeCase:
    """Makes a case."""

    def make(**fields: Any) -> Case:
        values: dict[str, Any] = {"case_id": "c1", "messages": (Turn(speaker="user", text="Where is my order?"),)}
        return Case(**{**values, **fields})

    return make
