"""The console over the tests' store and broker."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from console_browse import Browse, served_console


@pytest.fixture(scope="module")
def browse(clickhouse: str, broker: str) -> Iterator[Browse]:
    """Asks the console's pages."""
    with served_console(clickhouse, broker) as browse:
        yield browse
