"""Sessions as the pages read them."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Protocol

from watchkeeper.dashboards.console.rows import Row
from watchkeeper.dashboards.console.story import Story


class Sessions(Protocol):
    """What ran. `watchkeeper.cli.console.sessions` fills it in."""

    def listed(self, *, limit: int, after: tuple[datetime, str, str] | None, **filters: Any) -> list[Row]:
        """Sessions, newest first.

        Args:
            limit: how many at most.
            after: beginning, id and tenant of the last one of the page before.
            **filters: `tenant`, `agent`, `intent`, `version`, `mode`, `status`, `origin`: a name, empty for all;
                `severities`: any of them; `since`, `until`: touched by the session.
        """
        ...

    def story(self, session_id: str, tenant: str) -> Story:
        """One session, told.

        Raises:
            NotThereError: there is none, or several tenants have one; the message says what is near.
        """
        ...
