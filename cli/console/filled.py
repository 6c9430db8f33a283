"""Fills in what the console's pages read and do."""

from __future__ import annotations

import getpass

from watchkeeper.cli import formats
from watchkeeper.cli.console.control import StoredControl
from watchkeeper.cli.console.drift import StoredDrift
from watchkeeper.cli.console.evaluations import StoredEvaluations
from watchkeeper.cli.console.findings import StoredFindings
from watchkeeper.cli.console.pipeline import StoredPipeline
from watchkeeper.cli.console.policies import StoredPolicies
from watchkeeper.cli.console.sessions import StoredSessions
from watchkeeper.cli.console.store import LazyStore
from watchkeeper.dashboards.console.sources import Sources


def filled_sources(dsn: str, bootstrap: str) -> Sources:
    """Everything that the console needs.

    Args:
        dsn: ClickHouse's address.
        bootstrap: Kafka's.

    Raises:
        ConfigurationError: an address is malformed.
    """
    store = LazyStore(dsn)
    return Sources(
        formats=formats,
        store=store,
        operator=operator(),
        sessions=StoredSessions(store),
        findings=StoredFindings(store),
        control=StoredControl(store, bootstrap),
        evaluations=StoredEvaluations(store),
        drift=StoredDrift(store),
        policies=StoredPolicies(store),
        pipeline=StoredPipeline(store),
    )


def operator() -> str:
    """The system's user; empty where the system does not say, as in a container."""
    try:
        return getpass.getuser()
    except (OSError, KeyError):
        return ""
