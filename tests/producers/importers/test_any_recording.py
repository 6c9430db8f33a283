"""Whatever a file holds: it is imported without loss, or refused with a reason. Nothing else happens."""

from __future__ import annotations

import json
import tempfile
from pathlib import Path
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from watchkeeper.producers.importers import Importer
from watchkeeper.producers.importers.forms import read_line
from watchkeeper.producers.importers.model import UnreadableError
from watchkeeper.producers.testing import MemoryTransport
from watchkeeper.schemas.events import EVENT_ADAPTER

SCALARS: Any = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-(2**70), 2**70),
    st.floats(),
    st.text(st.characters(exclude_categories=()), max_size=12),
    st.sampled_from(
        ["system", "user", "assistant", "tool", "c1", "f", "{}", '{"a": 1}', "2025-01-01T00:00:00", "1e400"]
    ),
)
ANYTHING: Any = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=6), inner, max_size=3),
    max_leaves=6,
)
CALL: Any = st.fixed_dictionaries(
    {},
    optional={
        **dict.fromkeys(("id", "name", "arguments", "function", "arguments_truncated"), ANYTHING),
    },
)
MESSAGE: Any = st.fixed_dictionaries(
    {"role": st.sampled_from(["system", "user", "assistant", "assistant", "tool", "function", "odd"])},
    optional={
        "tool_calls": st.lists(CALL, max_size=3) | st.none(),
        **dict.fromkeys(
            ("content", "tool_call_id", "name", "timestamp", "duration_s", "tokens", "usage", "cost", "error"), ANYTHING
        ),
        **dict.fromkeys(("status", "is_error", "reasoning", "refusal", "finish_reason", "function_call"), ANYTHING),
    },
)
SESSION: Any = st.fixed_dictionaries(
    {"messages": st.lists(MESSAGE, max_size=6)},
    optional=dict.fromkeys(("session_id", "agent", "model", "tools", "labels", "source", "functions", "id"), ANYTHING),
)


@given(st.one_of(st.binary(max_size=40), ANYTHING.map(lambda value: json.dumps(value).encode())))
def test_a_line_of_anything_is_read_or_refused(raw: bytes) -> None:
    try:
        read_line(raw)
    except UnreadableError as error:
        assert str(error)  # noqa: PT017 - either way is right; only other errors are wrong


@settings(max_examples=60)
@given(st.lists(SESSION, min_size=1, max_size=3))
def test_a_session_of_anything_is_imported_whole_or_refused(rows: list[dict[str, Any]]) -> None:
    memories: list[MemoryTransport] = []

    def transport() -> MemoryTransport:
        memories.append(MemoryTransport())
        return memories[-1]

    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "sessions.jsonl"
        path.write_text("".join(json.dumps(row) + "\n" for row in rows))
        report = Importer(transport).run([path])
    assert report.losses == {}
    assert report.sessions + report.repeated + len(report.problems) == len(rows)
    events = [EVENT_ADAPTER.validate_json(line) for memory in memories for line in memory.lines()]
    assert report.ledger.produced == len(events)
    assert sum(event.type == "session_ended" for event in events) == report.sessions
