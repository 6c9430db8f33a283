"""One part under supervision: a small state machine that a loop steps."""

from __future__ import annotations

import json
import logging
import time
from dataclasses import replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from watchkeeper.cli.stack.child import Child, describe_exit, tail
from watchkeeper.cli.stack.part import Part, whole_environment
from watchkeeper.cli.stack.process_identity import ProcessIdentity
from watchkeeper.cli.stack.status import PartState, PartStatus
from watchkeeper.schemas.errors import WatchkeeperError

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

MOST_FAILURES = 10
"""After so many failures in a row a part is given up. With the pauses between them that is a minute and a half, as
long as the system may refuse a port that a killed broker used."""

FIRST_FAILURES = 3
"""The same for a part that never answered: something is wrong that time does not heal."""

STEADY_SECONDS = 60.0
"""A part that ran for so long is well again: its failures are forgotten."""

EXIT_CONFIGURATION = 78
"""`EX_CONFIG`: the program says that it cannot start as it is told; it is not tried again."""

PROBE_SECONDS = 3.0
MOST_SILENT = 4
"""After so many probes in a row without a good answer a part is stalled, and is ended by SIGKILL."""

_FIRST_PAUSE = 0.5
_LONGEST_PAUSE = 15.0
_LOG = logging.getLogger(__name__)

_MOST_SAID = 300


class KeptPart:
    """A part, its process, and what became of it.

    Args:
        part: what is kept.
        log: the file for what it prints.
        note: told what people should know, and whether it is bad news.
    """

    def __init__(self, part: Part, log: Path, note: Callable[[str, bool], None]) -> None:
        self.part = part
        self._log = log
        self._note = note
        self._child: Child | None = None
        self._failures = 0
        self._was_up = False
        self._answers_until = 0.0
        self._again_at = 0.0
        self._up_since = 0.0
        self._probe_at, self._silent = 0.0, 0
        self.status = PartStatus(
            part.name,
            part.title,
            "waiting",
            url=part.url,
            log=str(log) if part.command is not None else "",
            kind=part.kind,
        )

    @property
    def was_up(self) -> bool:
        """Whether it has answered since the stack started."""
        return self._was_up

    @property
    def is_up(self) -> bool:
        """Whether the parts behind it may start."""
        return self.status.state in {"running", "external"}

    @property
    def has_failed(self) -> bool:
        """Whether it is given up."""
        return self.status.state == "failed"

    def step(self) -> bool:
        """Look after the part once; answers whether it came up in this step."""
        state = self.status.state
        if state == "waiting" or (state == "restarting" and time.monotonic() >= self._again_at):
            self._start()
        if self._child is not None and self._child.exit_code is not None:
            self._ended(self._child.exit_code)
        elif self.status.state == "starting":
            return self._try()
        elif state == "running":
            if time.monotonic() > self._up_since + STEADY_SECONDS:
                self._failures = 0
            self._probe()
        return False

    def restart(self, reason: str) -> None:
        """End the process and start it again."""
        self._note(f"{self.part.title} is started again: {reason}", True)
        if self._child is not None:
            self._child.stop(self.part.stop_seconds)
            self._child = None
        self._become("restarting", restarts=self.status.restarts + 1, pid=None, detail=reason)
        self._again_at = 0.0

    def stop(self) -> None:
        """End the process: SIGTERM, then SIGKILL when it takes longer than it may."""
        if self._child is not None:
            before = time.monotonic()
            code = self._child.stop(self.part.stop_seconds)
            _LOG.info("%s ended with %s after %.1f s", self.part.name, describe_exit(code), time.monotonic() - before)
            self._child = None
        if self.status.state not in {"failed", "external"}:
            self._become("stopped", pid=None)

    def _start(self) -> None:
        self._answers_until = time.monotonic() + self.part.start_seconds
        if self.part.command is None:
            self._become("starting")
            return
        try:
            self._child = Child(self.part.title, self.part.command(), self._log, whole_environment(self.part))
        except WatchkeeperError as error:
            self._failed(str(error))
            return
        identity = ProcessIdentity.of(self._child.pid)
        self._become("starting", pid=self._child.pid, pid_started=identity.started if identity else 0.0)

    def _try(self) -> bool:
        """Whether the part answers now, and what is to be done then has been done."""
        pid = self._child.pid if self._child is not None else 0
        try:
            problem = self.part.problem(pid)
            if not problem:
                for sentence in self.part.prepare(self.status.restarts):
                    self._note(sentence, self.status.restarts > 0)
                self._was_up, self._up_since = True, time.monotonic()
                self._become("external" if self.part.command is None else "running", detail="")
                return True
        except WatchkeeperError as error:
            self._failed(str(error))
            return False
        except Exception as error:  # noqa: BLE001 - one part's mistake must not end the others; the log has it whole.
            _LOG.exception("%s could not be prepared", self.part.name)
            self._failed(f"{self.part.title} could not be prepared: {type(error).__name__}: {error}")
            return False
        if time.monotonic() > self._answers_until:
            self._failed(f"{self.part.title} did not answer within {self.part.start_seconds:.0f} s: {problem}")
        return False

    def _probe(self) -> None:
        """Ends a process that lives but does not work: SIGKILL, since one that is stopped or hangs hears no SIGTERM."""
        if self._child is None or time.monotonic() < self._probe_at:
            return
        stalled = self.part.stalled(self._child.pid)
        self._probe_at = time.monotonic() + PROBE_SECONDS
        self._silent = self._silent + 1 if stalled else 0
        if self._silent >= MOST_SILENT:
            self._silent = 0
            self._child.kill()
            self._child = None
            self._failed(f"{self.part.title} is stalled and was killed: {stalled}")

    def _ended(self, code: int) -> None:
        reason = f"{self.part.title} ended with {describe_exit(code)}"
        said = " | ".join(sentence_of(line) for line in tail(self._log, 3).splitlines())
        self._failed(f"{reason}; its log ends: {said}" if said else reason, for_good=code == EXIT_CONFIGURATION)

    def _failed(self, reason: str, *, for_good: bool = False) -> None:
        if self._child is not None:
            self._child.stop(self.part.stop_seconds)
            self._child = None
        self._failures += 1
        most = MOST_FAILURES if self._was_up else FIRST_FAILURES
        if for_good or self._failures >= most or self.part.command is None:
            self._note(f"{reason}. It is not started again", True)
            self._become("failed", pid=None, detail=reason)
            return
        pause = min(_FIRST_PAUSE * 2 ** (self._failures - 1), _LONGEST_PAUSE)
        self._again_at = time.monotonic() + pause
        self._note(f"{reason}. It is started again in {pause:.1f} s", True)
        self._become("restarting", restarts=self.status.restarts + 1, pid=None, detail=reason)

    def _become(self, state: PartState, **changes: object) -> None:
        self.status = replace(self.status, state=state, since=datetime.now(UTC), **changes)  # type: ignore[arg-type]  # each caller names fields of its own
        _LOG.info("%s: %s", self.part.name, state)


def sentence_of(line: str) -> str:
    """What a line of a log says, for people: of a JSON line its message, up to the stacks that may follow it."""
    try:
        said = json.loads(line)["message"]
    except (ValueError, KeyError, TypeError):
        said = line
    first = str(said).split("\n", 1)[0]
    return first if len(first) <= _MOST_SAID else f"{first[:_MOST_SAID]}…"
