"""Whole sessions in the store (`contract_labels.Floor`), and the commands on them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from contract_labels import Floor

from watchkeeper.schemas.ids import derived_id


@pytest.fixture
def floor(shelf: Any, request: pytest.FixtureRequest) -> Floor:
    return Floor(shelf, derived_id(request.node.nodeid)[-12:])


@pytest.fixture
def command(run: Callable[..., Any], floor: Floor) -> Callable[..., Any]:
    """Runs a command when all is stored."""

    def invoke(*args: str, **given: Any) -> Any:
        floor.store()
        return run(*args, **given)

    return invoke


@pytest.fixture
def label(command: Callable[..., Any], floor: Floor) -> Callable[..., Any]:
    """Runs `evals label` with keys."""

    def invoke(*args: str, keys: str = "") -> Any:
        about = ("--tenant", floor.tenant, "--agent", floor.agent)
        return command("evals", "label", *about, "--as", "ada", *args, input=keys)

    return invoke
