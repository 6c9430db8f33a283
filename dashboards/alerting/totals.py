"""What the router did since it began, for its figures."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field


@dataclass(slots=True)
class Totals:
    """Counts since the process began, and what stands now.

    Attributes:
        findings: by what became of them.
        unreadable: records of the topic that are no findings.
        notices: by (channel, kind, outcome): `delivered`, `failed` (one attempt), `dead`.
        open_alerts: that go on now.
        waiting: messages on their way.
        oldest_waiting_seconds: how long the oldest of them has waited.
        listening: whether the broker has given the router its partitions.
        passes: of the loop.
        interruptions: by a store or a broker that was away.
        heartbeats: that were sent; by outcome.
        trouble: why the pipeline is not well; empty where it is.
    """

    findings: Counter[str] = field(default_factory=Counter)
    unreadable: int = 0
    notices: Counter[tuple[str, str, str]] = field(default_factory=Counter)
    open_alerts: int = 0
    waiting: int = 0
    oldest_waiting_seconds: float = 0.0
    listening: bool = False
    passes: int = 0
    interruptions: int = 0
    heartbeats: Counter[str] = field(default_factory=Counter)
    trouble: str = ""
