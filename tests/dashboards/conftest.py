"""A store with a small fleet in it, stored twice as a replay does it; read by the tests of several boards."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from board_asking import fresh_store, put
from board_fleet import SMALL, events, found, states
from clickhouse_connect.driver import Client

from watchkeeper.stream_processors.rollups import Rollups


@pytest.fixture(scope="session")
def fleet_store(clickhouse: str) -> Iterator[Client]:
    """Every table's rows come twice, before and after the minutes were made."""
    with fresh_store(clickhouse) as (client, dsn):
        job = Rollups(dsn)
        for _ in range(2):
            for table, rows in (("events", events(SMALL)), ("sessions", states(SMALL)), ("findings", found(SMALL))):
                put(client, table, rows)
            job.run_pass()
        job.close()
        yield client
