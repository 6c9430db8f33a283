"""Every error that Watchkeeper raises.

WatchkeeperError
├── ConfigurationError        a setting, a file or an argument is wrong; the message names the fix
│   └── PolicyError           a policy file: file, line, field, remedy
├── RejectedError             data that will never be accepted as it stands; carries a closed reason
├── SessionStoppedError       the session was told to stop; carries the best answer so far
├── TransientError            the other side may be back: retried in place
│   ├── StoreUnavailableError
│   └── BusUnavailableError
├── PermanentError            the same attempt will fail again
│   └── MigrationError
└── StackError                the local stack could not do what was asked
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass


class WatchkeeperError(Exception):
    """Base of all errors raised by Watchkeeper. The message says what to do."""


class ConfigurationError(WatchkeeperError):
    """A setting, a file or an argument cannot be used."""


@dataclass(frozen=True, slots=True)
class PolicyFault:
    """One mistake in a policy.

    Attributes:
        line: where the field begins, from 1; the nearest field around it where it is not written down.
        column: the same, from 1.
        field: its path, `tools.refund.bounds.amount`.
        text: what is wrong, and the remedy.
    """

    line: int
    column: int
    field: str
    text: str


class PolicyError(ConfigurationError):
    """A policy is refused.

    Attributes:
        problems: one `file:line: field: problem` sentence for each mistake found.
        faults: the same mistakes, in the same order, in parts.
    """

    def __init__(self, problems: list[str], faults: Sequence[PolicyFault] = ()) -> None:
        super().__init__("\n".join(problems))
        self.problems = problems
        self.faults = tuple(faults)


class RejectedError(WatchkeeperError):
    """Data that will never be accepted as they stand; they belong in the dead letters.

    Attributes:
        reason: a member of `watchkeeper.schemas.rows.RejectReason`.
        detail: one sentence for a person, with the field and the fix where there is one.
    """

    def __init__(self, reason: str, detail: str) -> None:
        super().__init__(f"{reason}: {detail}")
        self.reason = reason
        self.detail = detail


class SessionStoppedError(WatchkeeperError):
    """The session was told to stop by the pipeline or by an operator.

    Attributes:
        session_id: the session that must end.
        reason: why, as the control command says it.
        finding_id: the finding behind it, where there is one.
        best_answer: the last answer that the session recorded, or None.
    """

    def __init__(
        self, session_id: str, reason: str, *, finding_id: str | None = None, best_answer: str | None = None
    ) -> None:
        super().__init__(
            f"session {session_id} was stopped: {reason.rstrip('.')}. End the run and return `best_answer`."
        )
        self.session_id = session_id
        self.reason = reason
        self.finding_id = finding_id
        self.best_answer = best_answer


class TransientError(WatchkeeperError):
    """The other side did not take it now; the same attempt may succeed later."""


class StoreUnavailableError(TransientError):
    """ClickHouse could not be reached or refused for want of resources."""


class BusUnavailableError(TransientError):
    """Kafka could not be reached or did not acknowledge in time."""


class PermanentError(WatchkeeperError):
    """The same attempt will fail again: it is not retried."""


class MigrationError(PermanentError):
    """The database and the numbered `.sql` files disagree."""


class StackError(WatchkeeperError):
    """The local stack could not be started, stopped or asked."""
