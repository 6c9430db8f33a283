"""Recorded sessions of others, through the recorder, a real broker, a real worker and a real ClickHouse.

What was found in them is compared with an independent count in `test_recordings_truth.py`.
"""

from __future__ import annotations

import gzip
import io
import json
import os
import subprocess
import sys
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cached_property
from pathlib import Path
from typing import Any, Final

import pytest

from watchkeeper.cli.stack.testing import running_stack
from watchkeeper.cli.store import ReadStore, open_store
from watchkeeper.producers.identity import ManualClock
from watchkeeper.producers.importers import Choices, Importer
from watchkeeper.producers.local import LocalTransport
from watchkeeper.producers.testing import MemoryTransport
from watchkeeper.schemas.contents import matches
from watchkeeper.schemas.event_contents import contents_of
from watchkeeper.schemas.events import EVENT_ADAPTER, Event
from watchkeeper.schemas.topics import PARTITIONS
from watchkeeper.schemas.wire import line_digest
from watchkeeper.stream_processors.detection.catalogue import default_detectors
from watchkeeper.stream_processors.prices import GenaiPriceBook

pytestmark = pytest.mark.recordings

ROOT: Final = Path(__file__).parents[2]
PLACE: Final = Path(os.environ.get("WATCHKEEPER_RECORDINGS") or ROOT.parent / "shared" / "trajectories")
IMPORT_SECONDS: Final = 200


@dataclass
class Recording:
    """A recording that was imported once, under a tenant of its own.

    Attributes:
        first: what `watchkeeper import --json` said.
    """

    name: str
    environment: dict[str, str]
    first: dict[str, Any]

    @property
    def path(self) -> Path:
        return path_of(self.name)

    @cached_property
    def sessions(self) -> list[dict[str, Any]]:
        with gzip.open(self.path, "rt") as file:
            return [json.loads(line) for line in file]

    @cached_property
    def lines(self) -> list[bytes]:
        """What the import put on the wire: it puts the same bytes there whenever it runs."""
        transports: list[MemoryTransport] = []

        def transport() -> MemoryTransport:
            transports.append(MemoryTransport())
            return transports[-1]

        Importer(transport, Choices(tenant=self.name)).run([self.path])
        return [line for made in transports for line in made.lines()]


def path_of(name: str) -> Path:
    return PLACE / f"{name}.jsonl.gz"


@pytest.fixture(scope="module")
def stack() -> Iterator[dict[str, str]]:
    with running_stack() as environment:
        yield {**os.environ, **environment}


@pytest.fixture
def store(stack: dict[str, str]) -> Iterator[ReadStore]:
    with open_store(stack["WATCHKEEPER_CLICKHOUSE_DSN"]) as opened:
        yield opened


@pytest.fixture(
    scope="module",
    params=[
        pytest.param("trail", marks=pytest.mark.long),
        pytest.param("toolbench_chatgpt", marks=pytest.mark.long),
        pytest.param("tau2_bench", marks=pytest.mark.long),
    ],
)
def recording(request: pytest.FixtureRequest) -> Recording:
    name: str = request.param
    if not path_of(name).exists():
        pytest.skip(f"{path_of(name)} is missing: set WATCHKEEPER_RECORDINGS to the folder that holds it")
    environment = request.getfixturevalue("stack")
    return Recording(name, environment, run_import(environment, path_of(name), name))


def run_import(environment: dict[str, str], path: Path, tenant: str) -> dict[str, Any]:
    """Imports a file by the command, and waits until it is stored."""
    command = [sys.executable, "-m", "watchkeeper.cli.main", "import", str(path), "--tenant", tenant, "--json"]
    ended = subprocess.run(
        command, env=environment, capture_output=True, text=True, timeout=IMPORT_SECONDS, check=False
    )
    assert ended.returncode == 0, ended.stderr + ended.stdout
    document: dict[str, Any] = json.loads(ended.stdout)
    return document


def let_pass(stack: dict[str, str], store: ReadStore, tmp_path: Path, tenant: str) -> None:
    """Returns when everything sent before was judged and stored.

    A partition is read in order, so sessions on every partition follow what was sent before them. Two inserts may be
    under way at once, so they follow twice.
    """
    for turn in range(2):
        marker = f"{tenant}-marker-{turn}"
        path = tmp_path / f"{marker}.jsonl"
        path.write_text("".join(json.dumps({"session_id": f"{marker}-{i}", "messages": []}) + "\n" for i in range(300)))
        run_import(stack, path, marker)
        sql = "SELECT uniqExact(source_partition) AS partitions FROM events WHERE tenant_id = {tenant:String}"
        assert store.rows(sql, tenant=marker) == [{"partitions": PARTITIONS}]


def stored(store: ReadStore, tenant: str) -> Counter[tuple[str, str, str]]:
    """Type, id and digest of every stored row."""
    rows = store.rows("SELECT type, event_id, digest FROM events WHERE tenant_id = {tenant:String}", tenant=tenant)
    return Counter((row["type"], row["event_id"], row["digest"]) for row in rows)


def test_what_was_produced_is_stored_to_the_last_byte(recording: Recording, store: ReadStore) -> None:
    events = [EVENT_ADAPTER.validate_json(line) for line in recording.lines]
    produced = Counter(
        (event.type, event.event_id, line_digest(line)) for event, line in zip(events, recording.lines, strict=True)
    )
    assert max(produced.values()) == 1
    assert stored(store, recording.name) == produced
    by_type = Counter(event.type for event in events)
    assert recording.first["events"] == {kind: {"produced": count, "stored": count} for kind, count in by_type.items()}
    assert recording.first["sessions"] == len(recording.sessions)
    assert (recording.first["problems"], recording.first["losses"], recording.first["missing"]) == ([], {}, 0)


def test_what_was_recorded_was_produced(recording: Recording) -> None:
    messages = [message for session in recording.sessions for message in session["messages"]]
    events = recording.first["events"]
    assert events["tool_call"]["produced"] == sum(len(message.get("tool_calls") or ()) for message in messages)
    assert events["tool_result"]["produced"] == sum(message["role"] == "tool" for message in messages)
    assert events["session_started"]["produced"] == events["session_ended"]["produced"] == len(recording.sessions)
    labels = sum(value is not None for session in recording.sessions for value in session["labels"].values())
    assert events["outcome"]["produced"] == labels + sum(_closes(session) for session in recording.sessions)


def _closes(session: dict[str, Any]) -> int:
    """Messages after the agent's and the tools' last one."""
    roles = [message["role"] for message in session["messages"]]
    return next((n for n, role in enumerate(reversed(roles)) if role in {"assistant", "tool"}), len(roles))


def test_recorded_times_are_kept(recording: Recording) -> None:
    told = {(event.session_id, event.occurred_at) for event in map(EVENT_ADAPTER.validate_json, recording.lines)}
    recorded = {
        (session["session_id"], _time(message["timestamp"]))
        for session in recording.sessions
        for message in session["messages"]
        if message["role"] in {"assistant", "tool"} and message.get("timestamp")
    }
    assert recorded <= told
    assert bool(recorded) == (recording.name != "toolbench_chatgpt")


def _time(text: str) -> datetime:
    moment = datetime.fromisoformat(text)
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def test_nothing_lies_among_the_dead_letters(recording: Recording, store: ReadStore) -> None:
    del recording
    assert store.rows("SELECT * FROM dead_letters") == []


def test_every_prompt_can_be_rebuilt_from_the_store(recording: Recording, store: ReadStore) -> None:
    """The first fifty sessions: each prompt is the recorded conversation up to its answer, hash by hash."""
    for session in recording.sessions[:50]:
        events = _stored_events(store, recording.name, session["session_id"])
        texts, salts = _texts(events)
        messages = [_shown(message) for message in session["messages"]]
        asked = 0
        for event in events:
            if event.type != "prompt":
                continue
            told = [texts[message.content.address] for message in event.data.messages]
            assert all(
                matches(message.content.address, text, salts[event.writer_id])
                for message, text in zip(event.data.messages, told, strict=True)
            )
            assert [json.loads(text) for text in told] == messages[: len(told)]
            assert session["messages"][len(told)]["role"] == "assistant"
            asked += 1
        assert asked


def _stored_events(store: ReadStore, tenant: str, session: str) -> list[Event]:
    sql = (
        "SELECT type, event_id, tenant_id, session_id, writer_id, seq, agent_id, occurred_at, writer_salt, data"
        " FROM events FINAL WHERE tenant_id = {tenant:String} AND session_id = {session:String} ORDER BY writer_id, seq"
    )
    rows = store.rows(sql, tenant=tenant, session=session)
    return [
        EVENT_ADAPTER.validate_python({
            **row, "data": json.loads(row["data"]), "writer_salt": row["writer_salt"] or None
        })
        for row in rows
    ]  # fmt: skip


def _texts(events: Iterable[Event]) -> tuple[dict[str, str], dict[str, str | None]]:
    texts: dict[str, str] = {}
    salts: dict[str, str | None] = {}
    for event in events:
        if event.writer_salt:
            salts[event.writer_id] = event.writer_salt
        texts |= {content.address: content.text for _, content in contents_of(event) if content.text is not None}
    return texts, salts


_MEASURED: Final = {
    "timestamp",
    "duration_s",
    "input_tokens",
    "output_tokens",
    "cost_usd",
    "error",
    "is_error",
    "status",
}


def _shown(message: dict[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in message.items() if key not in _MEASURED}


@pytest.mark.long
def test_a_second_import_changes_no_count(
    recording: Recording, stack: dict[str, str], store: ReadStore, tmp_path: Path
) -> None:
    def counts() -> list[Any]:
        sql = "SELECT count() AS rows FROM {table} FINAL WHERE tenant_id = {{tenant:String}}"
        tables = ("events", "findings", "sessions", "contents")
        return [store.rows(sql.format(table=table), tenant=recording.name) for table in tables]

    let_pass(stack, store, tmp_path, f"{recording.name}-before")
    before, rows = counts(), stored(store, recording.name)
    again = run_import(stack, recording.path, recording.name)
    let_pass(stack, store, tmp_path, f"{recording.name}-after")
    assert counts() == before
    assert stored(store, recording.name) == rows
    # An import tells what stands once its events are stored: rules over several sessions find more a moment later.
    sql = (
        "SELECT DISTINCT kind FROM findings FINAL"
        " WHERE tenant_id = {tenant:String} AND rule_id NOT IN {rules:Array(String)}"
    )
    rules = sorted(rule.rule_id for rule in default_detectors())
    later = {row["kind"] for row in store.rows(sql, tenant=recording.name, rules=rules)}

    def told(report: dict[str, Any]) -> tuple[Any, list[Any]]:
        return report["events"], [one for one in report["findings"] if one["kind"] not in later]

    assert told(again) == told(recording.first)
    assert store.rows("SELECT * FROM dead_letters") == []


def test_findings_are_those_of_the_same_detectors_in_this_process(recording: Recording, store: ReadStore) -> None:
    judges: list[LocalTransport] = []

    def judge() -> LocalTransport:
        judges.append(LocalTransport(lambda _: None, prices=GenaiPriceBook(), out=io.StringIO(), clock=ManualClock(0)))
        return judges[-1]

    Importer(judge, Choices(tenant=recording.name)).run([recording.path])
    # A finding may be revised: the later one counts. Rules over several sessions run in the worker alone.
    here = {found.finding_id: (found.revision, found.severity) for made in judges for found in made.findings()}
    sql = (
        "SELECT finding_id, revision, severity FROM findings FINAL"
        " WHERE tenant_id = {tenant:String} AND rule_id IN {rules:Array(String)}"
    )
    rows = store.rows(sql, tenant=recording.name, rules=sorted(rule.rule_id for rule in default_detectors()))
    assert {row["finding_id"]: (row["revision"], row["severity"]) for row in rows} == here
    assert len(rows) == len(here) > 0
    assert store.rows("SELECT * FROM control_commands") == []
