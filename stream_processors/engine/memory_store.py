"""A store in memory: ClickHouse's tables as the engine sees them. See `memory` for what can go wrong with it."""

from __future__ import annotations

import json
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from pydantic import BaseModel

from watchkeeper.schemas.control import Control
from watchkeeper.schemas.envelope import Envelope
from watchkeeper.schemas.errors import StoreUnavailableError
from watchkeeper.schemas.findings import Finding
from watchkeeper.schemas.rows import ContentRow, DeadLetterRow, EventColumns, SessionRow, SubjectRow
from watchkeeper.schemas.scores import Score
from watchkeeper.stream_processors.engine.memory import MemoryClock, Plan, Trouble, act, settle
from watchkeeper.stream_processors.engine.ports import (
    ContentKey,
    EventKey,
    RowsRefusedError,
    ScoreKey,
    StateKey,
    StoredDigest,
    StoredPart,
    StoredState,
)

Row = dict[str, Any]
"""A row by column, as it was inserted: what was left out is not there."""


class _Table(NamedTuple):
    """What the numbered `.sql` files say: rows with the same key replace each other, the highest version stays."""

    key: tuple[str, ...]
    version: str | None
    models: tuple[type[BaseModel], ...]
    further: frozenset[str] = frozenset()

    @property
    def columns(self) -> frozenset[str]:
        """Every column that may be inserted."""
        return self.further.union(*(model.model_fields for model in self.models))


TABLES: dict[str, _Table] = {
    "events": _Table(
        ("tenant_id", "session_id", "writer_id", "seq", "digest"),
        None,
        (Envelope, EventColumns),
        frozenset({"type", "data"}),
    ),
    "contents": _Table(("tenant_id", "address", "part"), None, (ContentRow,)),
    "findings": _Table(("tenant_id", "finding_id"), "revision", (Finding,)),
    "control_commands": _Table(("tenant_id", "command_id"), None, (Control,), frozenset({"target_kind", "target_id"})),
    "sessions": _Table(("source_partition", "tenant_id", "session_id"), "version", (SessionRow,)),
    "subjects": _Table(("source_partition", "subject"), "version", (SubjectRow,)),
    "dead_letters": _Table(
        ("source_topic", "source_partition", "source_offset", "source_line", "received_at"),
        "revision",
        (DeadLetterRow,),
    ),
    "scores": _Table(("tenant_id", "source", "agent_id", "score_id"), "graded_at", (Score,)),
}


@dataclass(slots=True)
class _Kept:
    row: Row
    version: Any


class MemoryStore:
    """See `watchkeeper.stream_processors.engine.ports.Store`.

    Args:
        trouble: what goes wrong, call by call.
        refuses: rows that never go in, beside those that ClickHouse would not read: unknown columns are waited for,
            as a table that lacks them is; keys that stand twice are refused.

    Attributes:
        inserted: rows written so far, by table, repeats included.
    """

    def __init__(
        self,
        clock: MemoryClock,
        *,
        trouble: Plan = lambda _: None,
        refuses: Callable[[str, Row], bool] = lambda _, __: False,
    ) -> None:
        self._clock = clock
        self.trouble = trouble
        self.refuses = refuses
        self._tables: dict[str, dict[tuple[Any, ...], _Kept]] = {name: {} for name in TABLES}
        self.inserted = dict.fromkeys(TABLES, 0)

    def rows(self, table: str) -> list[Row]:
        """The rows of a table, the latest of each key, by key."""
        kept = self._tables[table]
        return [kept[key].row for key in sorted(kept)]

    async def insert(self, table: str, rows: Sequence[bytes]) -> None:
        """See `Store.insert`."""
        if not rows:
            raise AssertionError("ClickHouse refuses an insert without rows: leave it out")
        name = f"insert {table}"
        trouble = await self._act(name)
        read = [self._read(table, row) for row in rows]
        for row in read[: len(read) // 2] if trouble is Trouble.HALF else read:
            self._put(table, row)
        settle(trouble, name, StoreUnavailableError)

    async def open_states(self, table: str, partitions: Collection[int], most: int) -> list[StoredState]:
        """See `Store.open_states`."""
        name = f"open_states {table}"
        trouble = await self._act(name)
        rows = [row for row in self.rows(table) if row["source_partition"] in partitions]
        rows = [row for row in rows if row.get("status", "open") == "open"]
        rows.sort(key=lambda row: str(row.get("last_event_at", "")), reverse=True)
        settle(trouble, name, StoreUnavailableError)
        return [_state(table, row) for row in rows[:most]]

    async def states(self, table: str, keys: Collection[StateKey]) -> list[StoredState]:
        """See `Store.states`."""
        name = f"states {table}"
        trouble = await self._act(name)
        kept = self._tables[table]
        found = [kept[key].row for key in keys if key in kept]
        settle(trouble, name, StoreUnavailableError)
        return [_state(table, row) for row in found]

    async def digests(self, keys: Collection[EventKey]) -> dict[EventKey, list[StoredDigest]]:
        """See `Store.digests`."""
        trouble = await self._act("digests")
        found: dict[EventKey, list[StoredDigest]] = {}
        for (*key, digest), kept in self._tables["events"].items():
            if (event_key := EventKey(*key)) in keys:
                place = (kept.row[f"source_{name}"] for name in ("partition", "offset", "line"))
                found.setdefault(event_key, []).append(StoredDigest(digest, *place))
        settle(trouble, "digests", StoreUnavailableError)
        return found

    async def contents(self, keys: Collection[ContentKey], most_parts: int) -> list[StoredPart]:
        """See `Store.contents`."""
        trouble = await self._act("contents")
        rows = [
            row
            for row in self.rows("contents")
            if (row["tenant_id"], row["address"]) in keys and row["parts"] <= most_parts
        ]
        settle(trouble, "contents", StoreUnavailableError)
        return [StoredPart(row["address"], row["part"], row["parts"], row["text"]) for row in rows]

    async def known_scores(self, keys: Collection[ScoreKey]) -> set[ScoreKey]:
        """See `Store.known_scores`."""
        trouble = await self._act("known_scores")
        kept = self._tables["scores"]
        found = {
            key for key in keys if key[:4] in kept and (kept[key[:4]].row["result_type"] == "failure") == key.failed
        }
        settle(trouble, "known_scores", StoreUnavailableError)
        return found

    async def _act(self, name: str) -> Trouble | None:
        return await act(self.trouble, name, self._clock, StoreUnavailableError, RowsRefusedError)

    def _read(self, table: str, raw: bytes) -> Row:
        try:
            # The outermost object comes last: only its keys are columns.
            pairs = json.loads(raw, object_pairs_hook=list)
        except ValueError as error:
            raise RowsRefusedError(f"{table}: {error}") from error
        names = [name for name, _ in pairs]
        if len(set(names)) < len(names):
            raise RowsRefusedError(f"{table}: duplicate field")
        if unknown := set(names) - TABLES[table].columns:
            raise StoreUnavailableError(f"{table} lacks {sorted(unknown)}")
        row: Row = json.loads(raw)
        row = {name: value for name, value in row.items() if value is not None}
        if table == "events":
            row.setdefault("tenant_id", "default")
        if self.refuses(table, row):
            raise RowsRefusedError(f"{table}: a row was refused")
        return row

    def _put(self, table: str, row: Row) -> None:
        spec, kept = TABLES[table], self._tables[table]
        self.inserted[table] += 1
        key = tuple(row[name] for name in spec.key)
        version = row.get(spec.version, 0) if spec.version else 0
        before = kept.get(key)
        if before is None or version >= before.version:
            kept[key] = _Kept(row, version)


def _state(table: str, row: Row) -> StoredState:
    columns = TABLES[table].key[1:]
    return StoredState(row["source_partition"], tuple(row[name] for name in columns), row["state"])
