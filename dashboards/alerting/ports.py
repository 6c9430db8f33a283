"""What the router needs of the world."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol, TypeAlias

from watchkeeper.dashboards.alerting.holding import Mute
from watchkeeper.schemas.verdicts import VerdictRow

Row: TypeAlias = dict[str, Any]


class Store(Protocol):
    """ClickHouse; `watchkeeper.cli.store.ReadStore` is one."""

    def rows(self, sql: str, **parameters: Any) -> list[Row]:
        """The rows of a query, by column.

        Raises:
            StoreUnavailableError: nobody answers there.
        """

    def insert(self, table: str, rows: Sequence[bytes]) -> None:
        """Puts rows in, each a JSON object by column; returns when they are kept."""


class Findings(Protocol):
    """`agent.findings`, read by a group of the router's own."""

    def take(self, seconds: float) -> list[bytes]:
        """What came, at most a batch; waits so long for the first. Empty where nothing came.

        Raises:
            BusUnavailableError: the broker is away.
        """

    def acknowledge(self) -> None:
        """All that was taken is kept: it need not come again."""


class People(Protocol):
    """What people say of findings."""

    def mutes(self) -> list[Mute]:
        """Those that hold now."""

    def verdicts(self, stored_since: datetime) -> list[VerdictRow]:
        """Those that were stored since then, in the order in which they were given."""


class PipelineLook(Protocol):
    """The pipeline's own figures."""

    def trouble(self, stale_seconds: float, max_lag: int) -> str:
        """Why the pipeline is not well, in one sentence; empty where it is.

        Raises:
            StoreUnavailableError: nobody answers there.
        """


@dataclass(frozen=True, slots=True)
class Answer:
    """What a channel said to a message.

    Attributes:
        ok: it has it.
        text: for people, without secrets.
        retry_seconds: it asks to be left alone for so long; 0 where it says nothing of that.
        permanent: the same again will fail again.
    """

    ok: bool
    text: str
    retry_seconds: float = 0.0
    permanent: bool = False
