"""Commands to running agents, whoever gives them: a command line or the console."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from watchkeeper.cli import control_queries, queries
from watchkeeper.cli.exit_codes import NotFoundError
from watchkeeper.cli.sending import Outgoing, Sender
from watchkeeper.cli.store import ReadStore
from watchkeeper.schemas.control import Action, Control, Target
from watchkeeper.schemas.errors import BusUnavailableError, TransientError
from watchkeeper.schemas.ids import uuid7
from watchkeeper.schemas.topics import CONTROL
from watchkeeper.stream_processors.engine.rows import command_row


class UnsentError(BusUnavailableError):
    """A command is recorded and was not sent.

    Attributes:
        told: what happened to it.
        why: what Kafka said.
    """

    def __init__(self, command: Control, why: TransientError) -> None:
        self.told = f"command {command.command_id} is recorded and was NOT sent: no agent hears of it"
        self.why = why
        super().__init__(f"{self.told}: {why}")


@dataclass(frozen=True, slots=True)
class Aim:
    """Whom a command is for."""

    tenant_id: str
    target: Target


def command_for(action: Action, aim: Aim, *, reason: str, span: timedelta, issued_by: str) -> Control:
    """The command, in force from now on.

    Raises:
        ValidationError: a reason or a name is missing or too long, or it would be in force for more than a day.
    """
    now = datetime.now(UTC)
    return Control(
        command_id=uuid7(),
        tenant_id=aim.tenant_id,
        target=aim.target,
        action=action,
        reason=reason,
        issued_by=issued_by,
        issued_at=now,
        expires_at=now + span,
    )


def issue(store: ReadStore, bootstrap: str, command: Control) -> int:
    """Records the command, then sends it: what reached an agent is never missing from the audit.

    Returns:
        How many open sessions are known that it reaches now.

    Raises:
        NotFoundError: the session is another tenant's; nothing was sent.
        StoreUnavailableError: it could not be recorded; nothing was sent.
        UnsentError: it is recorded and was not sent.
    """
    aim = Aim(command.tenant_id, command.target)
    _check_session(store, aim)
    reached = open_sessions(store, aim)
    store.insert("control_commands", [command_row(command)])
    try:
        Sender(bootstrap).send([Outgoing(CONTROL.name, command.key, command.model_dump_json().encode())])
    except TransientError as error:
        raise UnsentError(command, error) from error
    return reached


def open_sessions(store: ReadStore, aim: Aim) -> int:
    """How many open sessions a command reaches."""
    found = store.row(control_queries.OPEN_SESSIONS, tenant=aim.tenant_id, kind=aim.target.kind, target=aim.target.id)
    return int(found["sessions"]) if found else 0


def _check_session(store: ReadStore, aim: Aim) -> None:
    """Refuses a command that no agent would take for its own: the session is known, and another tenant's."""
    if aim.target.kind != "session":
        return
    tenants = [row["tenant_id"] for row in store.rows(queries.TENANTS_OF_SESSION, session=aim.target.id)]
    if tenants and aim.tenant_id not in tenants:
        raise NotFoundError(
            f"tenant {aim.tenant_id} has no session {aim.target.id}, but {', '.join(tenants)} has: "
            f"give --tenant-id {tenants[0]}. Nothing was sent"
        )
