"""Recorded sessions read twice: from their lines, and from the events that an import makes of them."""

from __future__ import annotations

import gzip
import itertools
import os
from pathlib import Path
from typing import Any, Final

import orjson
import pytest

from watchkeeper.evals.interaction import Interaction
from watchkeeper.evals.reading.assembling import SessionRows, assemble
from watchkeeper.evals.reading.recordings import RecordingError, from_recording
from watchkeeper.producers.importers import Importer
from watchkeeper.producers.testing import MemoryTransport
from watchkeeper.schemas.model import EARLIEST, to_us
from watchkeeper.schemas.stored_events import StoredEvent
from watchkeeper.schemas.stored_texts import SessionTexts

ROOT: Final = Path(__file__).parents[3]
PLACE: Final = Path(os.environ.get("WATCHKEEPER_RECORDINGS") or ROOT.parent / "shared" / "trajectories")

LINE: Final = {
    "session_id": "s1",
    "agent": "support",
    "model": "m",
    "tools": [{"name": "find"}, {"name": "transfer_to_human"}],
    "messages": [
        {"role": "system", "content": "Be brief."},
        {"role": "user", "content": "Where is it?", "timestamp": "2026-03-01T10:00:00Z"},
        {"role": "assistant", "content": "I look.", "input_tokens": "10", "output_tokens": 5, "cost": 0.25},
        {"role": "assistant", "content": None, "tool_calls": [{"id": "c", "name": "find", "arguments": '{"q": 1}'}]},
        {"role": "tool", "tool_call_id": "c", "content": None, "error": "TimeoutError: late"},
        {"role": "assistant", "content": "Lost.", "cost": 0.5, "timestamp": "2026-03-01T10:00:09Z"},
    ],
    "labels": {"reward": 1, "success": True, "note": "fine", "task": {"a": [1]}, "nothing": None},
}


def test_a_line_as_an_interaction() -> None:
    one = from_recording(orjson.dumps(LINE), tenant="t")
    assert one == from_recording(LINE, tenant="t")
    assert [(turn.speaker, turn.text) for turn in one.turns] == [
        *(("system", "Be brief."), ("user", "Where is it?"), ("assistant", "I look."), ("assistant", "Lost.")),
    ]
    assert [(use.name, use.arguments, use.result, use.failed) for use in one.calls] == [
        ("find", {"q": 1}, "TimeoutError: late", True)
    ]
    assert one.outcomes == {"reward": 1.0, "success": True, "note": "fine", "task": '{"a":[1]}'}
    assert (one.tokens, one.cost_usd, one.escalated, one.complete) == (15, 0.75, False, True)
    assert (one.ended_at - one.started_at).total_seconds() == 9


def test_what_was_cut_at_the_source_is_not_complete() -> None:
    cut = {"role": "tool", "content": "so fa", "truncated": True}
    assert not from_recording({"session_id": "s", "messages": [cut]}).complete


def test_without_times_and_id_it_is_the_same_at_every_reading() -> None:
    line = {"messages": [{"role": "user", "content": "x"}]}
    assert from_recording(line) == from_recording(line)
    assert from_recording(line).started_at == EARLIEST


@pytest.mark.parametrize(
    ("line", "told"),
    [
        (b"{", "not JSON"),
        (b"[]", "is a JSON object"),
        (b"{}", "a list of messages"),
        (b'{"messages": [3]}', r"messages\[0\] is no message"),
        (b'{"messages": [{"role": "user"}, {"content": "x"}]}', r"messages\[1\]"),
    ],
)
def test_lines_that_are_no_sessions(line: bytes, told: str) -> None:
    with pytest.raises(RecordingError, match=told):
        from_recording(line)


@pytest.mark.recordings
@pytest.mark.parametrize("name", ["tau2_bench", "toolbench_chatgpt", "trail"])
def test_both_ways_of_reading_a_recording_agree(name: str, tmp_path: Path) -> None:
    path = PLACE / f"{name}.jsonl.gz"
    if not path.exists():
        pytest.skip(f"{path} is missing: set WATCHKEEPER_RECORDINGS to the folder that holds it")
    with gzip.open(path) as file:
        lines = list(itertools.islice(file, 40))
    part = tmp_path / "part.jsonl"
    part.write_bytes(b"".join(lines))
    imported = imported_from(part)
    direct = [from_recording(line) for line in lines]
    assert len(imported) == len(direct)
    for one in direct:
        assert comparable(imported[one.interaction_id]) == comparable(one)


def imported_from(path: Path) -> dict[str, Interaction]:
    memories: list[MemoryTransport] = []

    def keep() -> MemoryTransport:
        memories.append(MemoryTransport())
        return memories[-1]

    Importer(keep).run([path])
    events: dict[str, list[StoredEvent]] = {}
    for event in itertools.chain.from_iterable(memory.events() for memory in memories):
        one = StoredEvent(
            event=None if event.type == "content" else event,
            type=event.type,
            event_id=event.event_id,
            writer_id=event.writer_id,
            seq=event.seq,
            occurred_us=to_us(event.occurred_at),
            digest=event.event_id,
            salt="",
            data="",
            place="",
            late=False,
            conflict=False,
            cost_usd=None,
            price_status="none",
            price_version="",
        )
        events.setdefault(event.session_id, []).append(one)
    return {session: assemble(SessionRows(of, SessionTexts(of))) for session, of in events.items()}


def comparable(one: Interaction) -> dict[str, Any]:
    """What a recording holds, without what an import must make up: times, and ids of calls."""
    return {
        "said": [(turn.speaker, turn.text) for turn in one.turns if turn.text],
        "calls": [(use.name, use.arguments, use.failed) for use in one.calls],
        "results": [use.result for use in one.calls if not use.failed],
        "tools": one.tools,
        "escalated": one.escalated,
        "outcomes": set(one.outcomes),
        "agent": one.agent_id,
    }
