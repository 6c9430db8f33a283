"""Commands to agents, as the pages give them and follow what comes of them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal, Protocol

from watchkeeper.dashboards.console.rows import Row

Order = Literal["terminate", "pause", "resume"]
Kind = Literal["session", "agent", "tenant"]


@dataclass(frozen=True, slots=True)
class Wish:
    """A command that somebody wants to be given.

    Attributes:
        target: the session, the agent or the tenant.
        tenant: whose it is; of a tenant its own name.
        span: how long it is in force, a day at most.
    """

    order: Order
    kind: Kind
    target: str
    tenant: str
    reason: str
    who: str
    span: timedelta


class Control(Protocol):
    """Commands. `watchkeeper.cli.console.control` fills it in."""

    def reaches(self, kind: Kind, target: str, tenant: str) -> int:
        """How many open sessions such a command would reach now."""
        ...

    def give(self, wish: Wish) -> str:
        """Records the command and sends it, as `watchkeeper stop|pause|resume` does.

        Returns:
            Its id.

        Raises:
            AskedWrongError: a reason or a name is missing or too long.
            NotThereError: the session is another tenant's; nothing was sent.
            BusUnavailableError: it is recorded and was not sent.
        """
        ...

    def listed(self, since: datetime, limit: int) -> list[Row]:
        """Commands, the latest first; `lifted_at` is when a `resume` lifted one, `lifted_by` who gave it."""
        ...

    def followed(self, command_id: str) -> tuple[Row, list[Row]]:
        """A command as in `listed`, and the sessions that it reached, with what they did since.

        Raises:
            NotThereError: there is no such command.
        """
        ...
