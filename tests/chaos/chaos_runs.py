"""The runs: each kind of fault, and how it is brought about."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from dataclasses import dataclass

from chaos_faults import WRITES, Action, Moment
from chaos_outside import (
    Steps,
    broker_comes_late,
    broker_ends,
    host_ends,
    rollups_end,
    store_comes_late,
    store_ends,
    two_workers,
    zombie,
)


@dataclass(frozen=True)
class Strike:
    """A fault inside the worker; see `chaos_faults.Fault`."""

    call: str
    moment: Moment
    action: Action
    nth: int = 2
    times: int = 1


@dataclass(frozen=True)
class Run:
    """One kind of run.

    Attributes:
        fault: its name.
        strike: what happens inside the worker.
        outside: what the harness does to processes.
        absent: whether the store is down when everything else starts.
        nodes: of Apache Kafka; 0 for the embedded broker.
        late: whether the broker is down when everything else starts.
    """

    fault: str
    strike: Strike | None = None
    outside: Steps | None = None
    absent: bool = False
    nodes: int = 1
    late: bool = False


KILLED_BEFORE = ("publish:agent.events", "insert:events", "insert:sessions", "commit:agent.events", "insert:subjects")
SELDOM = (
    "insert:dead_letters",
    "publish:agent.signals",
    "publish:agent.scores",
    "insert:scores",
    "note:agent.scores",
    "commit:agent.scores",
)
"""Few batches hold what cannot be read, or scores, and stage 2 publishes its findings alone: the first is struck."""


def _strikes() -> Iterator[Run]:
    for call in WRITES:
        if call in KILLED_BEFORE:
            yield Run(f"kill before {call}", Strike(call, "before", "kill"))
        yield Run(f"kill after {call}", Strike(call, "after", "kill", 1 if call in SELDOM else 2))
    yield Run("term after insert:events", Strike("insert:events", "after", "term"))
    yield Run("term before insert:sessions", Strike("insert:sessions", "before", "term"))
    yield Run("fail insert:events", Strike("insert:events", "before", "fail", times=3))
    yield Run("answer lost insert:events", Strike("insert:events", "after", "fail", times=3))
    yield Run("answer lost publish:agent.events", Strike("publish:agent.events", "after", "fail", times=3))
    yield Run("answer lost insert:subjects", Strike("insert:subjects", "after", "fail", times=2))
    yield Run("slow insert:events", Strike("insert:events", "before", "hang", times=3))
    yield Run("refuse insert:events", Strike("insert:events", "before", "refuse"))
    for call in ("insert:dead_letters", "insert:contents"):
        yield Run(f"answer lost {call}", Strike(call, "after", "fail", nth=1, times=2))
    for call in ("digests", "contents", "known_scores"):
        yield Run(f"fail {call}", Strike(call, "before", "fail", nth=1, times=3))


RUNS: tuple[Run, ...] = (
    *_strikes(),
    Run("kill store", outside=store_ends(signal.SIGKILL)),
    Run("term store", outside=store_ends(signal.SIGTERM)),
    Run("store away at start", outside=store_comes_late, absent=True),
    Run("kill broker", outside=broker_ends("kill")),
    Run("term broker", outside=broker_ends("stop")),
    Run("kill one of three brokers", outside=broker_ends("kill", 1), nodes=3),
    Run("broker away at start", outside=broker_comes_late, late=True),
    Run("kill host", outside=host_ends(signal.SIGKILL)),
    Run("term host", outside=host_ends(signal.SIGTERM)),
    Run("two workers", outside=two_workers),
    Run("zombie worker", outside=zombie),
    Run("kill rollups", outside=rollups_end),
)
