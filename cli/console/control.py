"""Commands to agents for the console: those of `watchkeeper stop`, `pause` and `resume`."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from pydantic import ValidationError

from watchkeeper.cli import control_queries
from watchkeeper.cli.console.errors import as_asked_wrong, as_not_there
from watchkeeper.cli.controlling import Aim, command_for, issue, open_sessions
from watchkeeper.cli.store import ReadStore, Row
from watchkeeper.dashboards.console.control_source import Kind, Wish
from watchkeeper.dashboards.console.errors import NotThereError
from watchkeeper.schemas.control import Target


class StoredControl:
    """See `watchkeeper.dashboards.console.control_source.Control`.

    Args:
        store: where commands are recorded.
        bootstrap: of the Kafka by which they are sent.
    """

    def __init__(self, store: ReadStore, bootstrap: str) -> None:
        self._store = store
        self._bootstrap = bootstrap

    def reaches(self, kind: Kind, target: str, tenant: str) -> int:
        """How many open sessions such a command would reach now."""
        return open_sessions(self._store, Aim(tenant, Target(kind=kind, id=target)))

    def give(self, wish: Wish) -> str:
        """Records the command and sends it."""
        try:
            aim = Aim(wish.tenant, Target(kind=wish.kind, id=wish.target))
            command = command_for(wish.order, aim, reason=wish.reason, span=wish.span, issued_by=wish.who)
        except ValidationError as error:
            raise as_asked_wrong(error, {"issued_by": "your name"}) from error
        with as_not_there():
            issue(self._store, self._bootstrap, command)
        return command.command_id

    def listed(self, since: datetime, limit: int) -> list[Row]:
        """Commands, the latest first."""
        rows = self._store.rows(control_queries.COMMANDS, since=since, limit=limit)
        # The latest come first: whatever lifted one of these is among them.
        lifts = [row for row in reversed(rows) if row["action"] == "resume"]
        return [_lifted(row, lifts) for row in rows]

    def followed(self, command_id: str) -> tuple[Row, list[Row]]:
        """A command, and the sessions that it reached."""
        command = self._store.row(control_queries.COMMAND, command=command_id)
        if command is None:
            raise NotThereError(f"there is no command {command_id}")
        reached = self._store.rows(
            control_queries.SESSIONS_REACHED,
            tenant=command["tenant_id"],
            kind=command["target_kind"],
            target=command["target_id"],
            since=command["issued_at"],
            until=command["expires_at"],
        )
        lifts = self._store.rows(
            control_queries.LIFTS,
            tenant=command["tenant_id"],
            kind=command["target_kind"],
            target=command["target_id"],
            since=command["issued_at"],
        )
        return _lifted(command, lifts), reached


def _lifted(command: Row, lifts: Sequence[Row]) -> Row:
    """The command, with when and by whom it was lifted: None and empty where nobody did.

    Args:
        command: its row.
        lifts: `resume` commands, the earliest first.
    """
    same = ("tenant_id", "target_kind", "target_id")
    lift = next(
        (
            one
            for one in lifts
            if command["action"] != "resume"
            and one["issued_at"] >= command["issued_at"]
            and one["tool_name"] in {"", command["tool_name"]}
            and all(one[name] == command[name] for name in same)
        ),
        None,
    )
    lifted_at, lifted_by = (None, "") if lift is None else (lift["issued_at"], lift["issued_by"])
    return {**command, "lifted_at": lifted_at, "lifted_by": lifted_by}
