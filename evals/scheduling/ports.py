"""What the scheduler needs of the world."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from typing import Any, Protocol, TypeAlias

from watchkeeper.evals.interaction import Interaction
from watchkeeper.schemas.scores import Score

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


class Sessions(Protocol):
    """Reads stored sessions; `watchkeeper.evals.reading.InteractionReader` does."""

    def by_ids(self, tenant: str, ids: Iterable[str]) -> list[Interaction]:
        """Sessions as interactions; those of which nothing is stored are left out."""


class Publisher(Protocol):
    """`agent.scores`."""

    def publish(self, scores: Sequence[Score]) -> None:
        """Returns when every score is acknowledged by the broker.

        Raises:
            BusUnavailableError: not all were; some may have been written all the same.
            PermanentError: the broker will never take one of them.
        """


class Clock(Protocol):
    """The time, so that tests need not wait for it."""

    def now(self) -> datetime:
        """Now, in UTC."""


class SystemClock:
    """The real one."""

    def now(self) -> datetime:
        """See `Clock.now`."""
        return datetime.now(UTC)
