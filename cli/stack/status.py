"""What a stack says about itself, in memory and in `stack.json`."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, field, replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Literal

from watchkeeper.cli.stack.process_identity import ProcessIdentity

if TYPE_CHECKING:
    from pathlib import Path

    from watchkeeper.cli.stack.layout import StackLayout

StackState = Literal["starting", "running", "degraded", "stopping", "stopped", "failed"]
PartState = Literal["waiting", "starting", "running", "restarting", "failed", "stopped", "external"]

_ALIVE = frozenset({"starting", "running", "degraded", "stopping"})


@dataclass(frozen=True, slots=True)
class PartStatus:
    """One part.

    Attributes:
        name: `broker`, `clickhouse` or `worker`.
        title: what it is, for people.
        kind: which of several it is: of the broker `embedded`, `apache` or `elsewhere`; else empty.
        state: `external` is used and not supervised; `failed` is not tried again.
        pid: its process, or None.
        pid_started: when the process started, in seconds since the epoch; tells it from a later one.
        url: where it answers, without a password; empty for the worker.
        since: when the state began.
        restarts: how often it was started again.
        log: its log file; empty where it has none here.
        detail: why it is in this state, where there is something to say.
    """

    name: str
    title: str
    state: PartState
    pid: int | None = None
    pid_started: float = 0.0
    url: str = ""
    since: datetime = field(default_factory=lambda: datetime.now(UTC))
    restarts: int = 0
    log: str = ""
    detail: str = ""
    kind: str = ""


@dataclass(frozen=True, slots=True)
class StackStatus:
    """A stack.

    Attributes:
        state: `degraded` means that a part is down for good while others run.
        data_dir: its directory.
        pid: the supervisor, or None.
        pid_started: when the supervisor's process started, in seconds since the epoch.
        started_at: when it was started, or None where it never was.
        parts: in the order in which they start.
        error: why it failed, or an empty string.
        notes: what people should know, each with its time: lost topics, restarts.
        versions: program and library versions by name.
    """

    state: StackState
    data_dir: str
    pid: int | None = None
    pid_started: float = 0.0
    started_at: datetime | None = None
    parts: tuple[PartStatus, ...] = ()
    error: str = ""
    notes: tuple[str, ...] = ()
    versions: dict[str, str] = field(default_factory=dict)

    @property
    def is_alive(self) -> bool:
        """Whether a supervisor runs."""
        return self.state in _ALIVE

    def part(self, name: str) -> PartStatus | None:
        """The part with this name, or None."""
        return next((part for part in self.parts if part.name == name), None)

    def to_json(self) -> str:
        """The status as text; times in ISO 8601, UTC."""
        return json.dumps(asdict(self), default=datetime.isoformat, indent=2)

    @classmethod
    def from_json(cls, text: str) -> StackStatus:
        """The status from `to_json`."""
        found = json.loads(text)
        parts = tuple(PartStatus(**{**part, "since": datetime.fromisoformat(part["since"])}) for part in found["parts"])
        started = found["started_at"]
        return cls(
            **{
                **found,
                "parts": parts,
                "notes": tuple(found["notes"]),
                "started_at": datetime.fromisoformat(started) if started else None,
            }
        )


def read_status(layout: StackLayout, *, as_written: bool = False) -> StackStatus:
    """The state that the supervisor wrote, corrected where the supervisor is no longer there.

    Args:
        layout: the stack's files.
        as_written: leave it uncorrected.
    """
    written = _written(layout.state_file)
    if written is None:
        return StackStatus("stopped", str(layout.data_dir))
    if as_written or not written.is_alive or written.pid is None:
        return written
    if ProcessIdentity(written.pid, written.pid_started).is_alive:
        return written
    parts = tuple(
        part if part.state == "external" else replace(part, state="stopped", pid=None) for part in written.parts
    )
    error = f"the supervisor (process {written.pid}) ended without saying so: it was killed, or the machine restarted"
    return replace(written, state="stopped", pid=None, parts=parts, error=error)


def write_status(layout: StackLayout, status: StackStatus) -> None:
    """Write the state so that no reader sees half of it."""
    new = layout.state_file.with_suffix(".new")
    new.write_text(status.to_json())
    new.replace(layout.state_file)


def _written(path: Path) -> StackStatus | None:
    try:
        return StackStatus.from_json(path.read_text())
    except (OSError, ValueError, KeyError, TypeError):
        return None
