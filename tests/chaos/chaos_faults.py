"""Faults as data: where a worker may be struck, and what strikes it.

A boundary is one call of a port, before it is made or after it was answered. `CALLS` names all calls that the engine
makes; a test compares it with what a run really does.
"""

from __future__ import annotations

import json
import os
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Literal

from watchkeeper.schemas.topics import TOPICS, Topic

PARTITIONS = 4
CHAOS_TOPICS: tuple[Topic, ...] = tuple(
    replace(topic, partitions=min(PARTITIONS, topic.partitions)) for topic in TOPICS
)

Action = Literal["kill", "term", "fail", "hang", "refuse"]
Moment = Literal["before", "after"]

WRITES = (
    "publish:agent.events",
    "insert:events",
    "insert:contents",
    "insert:findings",
    "insert:control_commands",
    "insert:dead_letters",
    "insert:sessions",
    "note:agent.events",
    "commit:agent.events",
    "publish:agent.signals",
    "insert:subjects",
    "note:agent.signals",
    "commit:agent.signals",
    "publish:agent.scores",
    "insert:scores",
    "note:agent.scores",
    "commit:agent.scores",
)
"""The checkpoint's steps: stage 1, stage 2, scores. `note`: the offset is taken note of; `commit`: it is committed."""

READS = (
    "log_id:agent.events",
    "log_id:agent.signals",
    "log_id:agent.scores",
    "open_states:sessions",
    "open_states:subjects",
    "states:sessions",
    "states:subjects",
    "digests",
    "contents",
    "known_scores",
)
CALLS = WRITES + READS

FAULT, CLOCK, TRACE = "CHAOS_FAULT", "CHAOS_CLOCK", "CHAOS_TRACE"
"""Environment: a `Fault` as JSON; files that hold the clock's advance in seconds, and take the boundaries passed."""


@dataclass(frozen=True, slots=True)
class Fault:
    """What strikes a worker.

    Attributes:
        call: one of `CALLS`.
        moment: before the call is made, or after it was answered. An error raised after it is an answer lost.
        nth: at which passage of the boundary, from 1, counted in each process.
        times: how often, over all processes; each strike is a file beside `spent`.
        spent: the path of those files.
        seconds: how long a `hang` lasts.
    """

    call: str
    moment: Moment
    action: Action
    nth: int
    spent: str
    times: int = 1
    seconds: float = 3.0

    def dump(self) -> str:
        """For the environment."""
        return json.dumps(asdict(self))

    def struck(self) -> int:
        """How often it has struck."""
        return sum(self._mark(number).exists() for number in range(self.times))

    def strikes(self, call: str, moment: Moment, passage: int) -> bool:
        """Whether it strikes here; if so, that is on disk before anything happens."""
        if (call, moment) != (self.call, self.moment) or passage < self.nth:
            return False
        for number in range(self.times):
            try:
                os.close(os.open(self._mark(number), os.O_CREAT | os.O_EXCL | os.O_WRONLY))
            except FileExistsError:
                continue
            return True
        return False

    def _mark(self, number: int) -> Path:
        return Path(f"{self.spent}.{number}")


def load_fault(text: str | None) -> Fault | None:
    """The inverse of `Fault.dump`."""
    return Fault(**json.loads(text)) if text else None
