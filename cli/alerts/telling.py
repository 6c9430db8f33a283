"""Whether people are told: what channels did not take, what the router did not hear, and how the router itself is."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Final

from watchkeeper.cli import formats
from watchkeeper.cli.alerts.place import DIRECTORY
from watchkeeper.cli.stack.health import health_problem, ready_problem
from watchkeeper.cli.store import ReadStore
from watchkeeper.dashboards.alerting.statements import SENT, UNHEARD

UNDELIVERED_PAGE: Final = "docs/runbooks/undelivered-alerts.md"
_ANSWER_CHARACTERS: Final = 160


@dataclass(frozen=True, slots=True)
class Channel:
    """What became of a channel's messages within a day.

    Attributes:
        delivered: messages that it took.
        given_up: those that it did not take, however often it was tried.
        last_at: when the last of them was given up.
        answer: what it said then.
        works_again: it took a message since.
    """

    channel: str
    delivered: int
    given_up: int
    last_at: datetime | None
    answer: str
    works_again: bool

    @property
    def said(self) -> str:
        """For people: what it did not take, and why."""
        again = "; it took messages since" if self.works_again else "; none arrived since"
        when = f"{formats.at(self.last_at)} UTC" if self.last_at else "-"
        count = formats.plural(self.given_up, "message")
        return f"channel {self.channel} did not take {count} in a day, the last at {when} ({self.answer}){again}"


@dataclass(frozen=True, slots=True)
class Telling:
    """What the ledger says.

    Attributes:
        unheard: findings of the last quarter of an hour that the router should have heard and did not; 0 where no
            router ever ran on this store.
    """

    channels: tuple[Channel, ...]
    unheard: int

    @property
    def problems(self) -> list[str]:
        """What is wrong, one sentence each."""
        found = [one.said for one in self.channels if one.given_up]
        if self.unheard:
            found.append(f"{formats.plural(self.unheard, 'finding')} of the last 15 minutes reached no alert router")
        return found


def telling_of(store: ReadStore) -> Telling:
    """Reads the ledger.

    Raises:
        StoreUnavailableError: nobody answers there.
        ConfigurationError: the store has no ledger: it is not migrated.
    """
    channels = [
        Channel(
            channel=row["channel"],
            delivered=row["delivered"],
            given_up=row["given_up"],
            last_at=row["last_at"],
            answer=row["said"][:_ANSWER_CHARACTERS],
            works_again=bool(row["works_again"]),
        )
        for row in store.rows(SENT)
    ]
    return Telling(tuple(channels), sum(row["findings"] for row in store.rows(UNHEARD)))


def router_problem(home: Path, pid: int) -> str:
    """Why a router of this machine stands still; empty where it turns.

    Args:
        home: the stack's directory.
        pid: the router's process.
    """
    return health_problem(home / DIRECTORY, pid).strip()


def router_waits(home: Path, pid: int) -> str:
    """Why a router that turns hears no findings yet; empty where it does."""
    said = ready_problem(home / DIRECTORY, pid)
    return "it is still starting" if said is None else said.strip()
