"""What the tests of the console's reading share."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest
from clickhouse_connect.driver import Client
from console_browse import Browse, served_console
from console_scored_agent import ScoredAgent

from watchkeeper.cli.store import ReadStore, open_store


@pytest.fixture(scope="module")
def browse(clickhouse: str, broker: str) -> Iterator[Browse]:
    """Asks the console's pages, over the tests' store and broker."""
    with served_console(clickhouse, broker) as browse:
        yield browse


@pytest.fixture
def store(clickhouse: str) -> Iterator[ReadStore]:
    with open_store(clickhouse) as opened:
        yield opened


@pytest.fixture
def graded(client: Client) -> ScoredAgent:
    return ScoredAgent(client)


@pytest.fixture
def put(graded: ScoredAgent) -> Callable[..., None]:
    """Puts models into a table."""
    return graded.put
