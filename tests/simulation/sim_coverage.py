"""What many seeds together must have met: a fault that never happens proves nothing."""

from __future__ import annotations

from collections import Counter

from watchkeeper.stream_processors.engine.memory_store import TABLES

_ANYWHERE = ("refused", "answer_lost", "crash_before", "crash_after", "slow")
_WRITES = [f"insert {table}" for table in TABLES]
_CALLS = [
    "publish", "log_id", "digests", "contents", "open_states sessions", "open_states subjects", "states sessions",
    "known_scores",
    *_WRITES,
]  # fmt: skip
_HAPPENED = (
    "commit lost", "commit of an older generation", "offsets reset", "rebalance learnt late", "zombie", "store away",
    "worker added", "worker killed", "worker stopped", "log forgotten", "state writes checked", "commits checked",
    "store away from the start", "sent again", "too_large", "store_refused",
)  # fmt: skip
_FOUND = (
    "unknown_tool", "cap_use", "sequence_gap", "conflicting_event", "unanswered_call", "unexplained_result",
    "never_closed", "unjudged", "capped_share",
)  # fmt: skip


def missed(counted: Counter[str]) -> list[str]:
    """What never happened."""
    wanted = [f"{call}: {fault}" for call in _CALLS for fault in _ANYWHERE]
    wanted += [f"{call}: {fault}" for call in _WRITES for fault in ("half", "applied_late")]
    wanted += ["publish: half", *_HAPPENED, *(f"found {kind}" for kind in _FOUND)]
    return [name for name in wanted if not counted[name]]
