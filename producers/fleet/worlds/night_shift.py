"""Machines that work at night, slowly."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from watchkeeper.producers.fleet.worlds import chance_for

QUICK_SECONDS = 0.05


class NightShift:
    """Indexes in shards. Shards whose name begins with `cold` take as long as the world is told."""

    def __init__(self, wait: Callable[[float], None], cold_seconds: float) -> None:
        self._wait = wait
        self._cold_seconds = cold_seconds

    def shard_size(self, shard: str) -> dict[str, Any]:
        """How many records a shard holds."""
        return {"shard": shard, "records": chance_for("shard", shard).randint(10_000, 90_000)}

    def rebuild_index(self, shard: str) -> dict[str, Any]:
        """Build the index of a shard anew."""
        self._wait(self._cold_seconds if shard.startswith("cold") else QUICK_SECONDS)
        return {"shard": shard, "rebuilt": True}
