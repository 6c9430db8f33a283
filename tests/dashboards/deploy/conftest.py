"""A Grafana for each test."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from standin_grafana import StandIn


@pytest.fixture
def grafana() -> Iterator[StandIn]:
    """A stand-in whose every request and answer was as Grafana describes its API."""
    standin = StandIn()
    yield standin
    for opened in standin.opened:
        opened.close()
    standin.close()
    assert standin.faults == []
