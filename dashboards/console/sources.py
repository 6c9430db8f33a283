"""What the pages read and do, as protocols; `watchkeeper.cli.console` fills them in.

Methods are called from several threads. They raise `NotThereError` for what does not exist, `StoreUnavailableError` and
`BusUnavailableError` where nobody answers, and are bounded in time and rows.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any, Protocol

from watchkeeper.dashboards.console.control_source import Control
from watchkeeper.dashboards.console.drift_source import Drift
from watchkeeper.dashboards.console.evaluation_source import Evaluations
from watchkeeper.dashboards.console.finding_source import Findings
from watchkeeper.dashboards.console.policy_source import Policies
from watchkeeper.dashboards.console.rows import Row
from watchkeeper.dashboards.console.session_source import Sessions


class Formats(Protocol):
    """How figures are written; see `watchkeeper.cli.formats`."""

    def at(self, moment: datetime) -> str:
        """A moment in UTC, to the second."""
        ...

    def duration(self, seconds: float) -> str:
        """A length of time."""
        ...

    def offset(self, micros: int) -> str:
        """How long after the beginning."""
        ...

    def money(self, usd: Decimal | float) -> str:
        """US dollars."""
        ...

    def cost(self, usd: Decimal | float, unpriced: int) -> str:
        """What was spent, and whether that is all of it."""
        ...

    def count(self, number: int) -> str:
        """A whole number."""
        ...

    def size(self, number: int) -> str:
        """Bytes."""
        ...

    def plural(self, number: int, noun: str) -> str:
        """A count with its noun."""
        ...


class Store(Protocol):
    """ClickHouse, for statements that are the console's own: the dashboards' panels."""

    def rows(self, sql: str, **parameters: Any) -> list[Row]:
        """The rows of a statement; parameters are bound, moments as microseconds since 1970."""
        ...


class Pipeline(Protocol):
    """Watchkeeper itself: where it does not judge, nothing is found, and that looks like peace."""

    def trouble(self) -> str:
        """Why events are not judged as they come, in one sentence; empty where they are."""
        ...


@dataclass(frozen=True, slots=True)
class Sources:
    """Everything that pages are given.

    Attributes:
        formats: how figures are written.
        store: for the dashboards' panels.
        operator: who runs the console, offered as the name under which things are done; may be empty.
        sessions: what ran.
        findings: what was found, and what people say of it.
        control: commands to agents.
        evaluations: scores, the scheduler's jobs, runs of suites, labels.
        drift: streams that are watched.
        policies: under which agents run.
        pipeline: whether Watchkeeper itself is well.
    """

    formats: Formats
    store: Store
    operator: str
    sessions: Sessions
    findings: Findings
    control: Control
    evaluations: Evaluations
    drift: Drift
    policies: Policies
    pipeline: Pipeline
