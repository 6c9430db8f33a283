"""`watchkeeper finding repro`: stored findings made small; what is written runs, and fails when it must.

Sequences of the rules' own are judged by both stages as the worker judges them, and their rows are stored.
"""

from __future__ import annotations

import asyncio
import json
import re
import subprocess
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import orjson
import pytest
from click.testing import Result

from watchkeeper.cli.exit_codes import ExitCode
from watchkeeper.cli.repro.shrink import Budget, shrink
from watchkeeper.producers.granting import GrantIssuer
from watchkeeper.schemas.envelope import Origin
from watchkeeper.schemas.findings import FINDING_ADAPTER, Finding
from watchkeeper.schemas.ids import uuid7
from watchkeeper.schemas.model import to_us
from watchkeeper.schemas.rows import INSERT_SETTINGS
from watchkeeper.schemas.topics import EVENTS, FINDINGS, SIGNALS
from watchkeeper.schemas.wire import record_key
from watchkeeper.stream_processors.detection.catalogue import default_detectors, default_subject_rules
from watchkeeper.stream_processors.detection.grant_book import GrantBook
from watchkeeper.stream_processors.detection.judge import Judge
from watchkeeper.stream_processors.detection.sequences.library import SEQUENCES
from watchkeeper.stream_processors.detection.sequences.sequence import Scene
from watchkeeper.stream_processors.detection.sequences.story import Story
from watchkeeper.stream_processors.detection.subjects import SubjectJudge
from watchkeeper.stream_processors.engine.memory import MemoryClock
from watchkeeper.stream_processors.engine.memory_store import MemoryStore
from watchkeeper.stream_processors.engine.ports import Record
from watchkeeper.stream_processors.engine.stage import Output
from watchkeeper.stream_processors.engine.stage_one import StageOne
from watchkeeper.stream_processors.engine.stage_two import StageTwo
from watchkeeper.stream_processors.prices import GenaiPriceBook

Run = Callable[..., Result]
ARRIVES_US = 2_000_000


@dataclass
class Worker:
    """Both stages, one after the other; their rows go to the real store."""

    client: Any
    book: GrantBook

    def judge(self, scene: Scene) -> list[Finding]:
        """Judges a scene and the silence after it; what was found, with its rows stored."""
        return asyncio.run(self._judge(scene))

    async def _judge(self, scene: Scene) -> list[Finding]:
        events = scene.events
        last_us = max(to_us(event.occurred_at) for event in events) + ARRIVES_US
        clock = MemoryClock(last_us)
        acting: frozenset[Origin] = frozenset({"live", "simulated"})
        one = StageOne(Judge(default_detectors(), prices=GenaiPriceBook(), acting=acting), MemoryStore(clock), clock)
        two = StageTwo(SubjectJudge(default_subject_rules(self.book), acting=acting), MemoryStore(clock), clock)
        records = [
            Record(
                topic=EVENTS.name,
                partition=0,
                offset=offset,
                key=record_key(event.tenant_id, event.session_id),
                value=event.model_dump_json(exclude_none=True).encode(),
                timestamp_ms=(to_us(event.occurred_at) + ARRIVES_US) // 1000,
            )
            for offset, event in enumerate(events)
        ]
        outputs: list[Output] = []
        for record in records:
            clock.set(record.timestamp_ms / 1000 - clock.now_us() / 1e6)
            outputs.append(one.judge(await one.prepare([record])))
        if scene.silence_seconds:
            clock.set(scene.silence_seconds)
            silent = one.tick({0: clock.now_us()})
            outputs += [silent] if silent else []
        signals = [message for output in outputs for message in output.messages if message.topic == SIGNALS.name]
        told = [
            Record(SIGNALS.name, 0, offset, signal.key, signal.value, clock.now_us() // 1000)
            for offset, signal in enumerate(signals)
        ]
        outputs += [two.judge(await two.prepare([record])) for record in told]
        self._store(outputs)
        messages = [message for output in outputs for message in output.messages if message.topic == FINDINGS.name]
        return [FINDING_ADAPTER.validate_json(message.value) for message in messages]

    def _store(self, outputs: Sequence[Output]) -> None:
        rows: dict[str, list[bytes]] = {}
        for output in outputs:
            for (table, _), some in output.rows.items():
                rows.setdefault(table, []).extend(some)
            rows.setdefault(output.state_table, []).extend(output.states)
        for table, some in rows.items():
            if some:
                block = b"\n".join(some)
                self.client.raw_insert(table, insert_block=block, fmt="JSONEachRow", settings=INSERT_SETTINGS)


@pytest.fixture
def worker(client: Any) -> Worker:
    return Worker(client, GrantBook())


def pytest_of(*paths: Path) -> subprocess.CompletedProcess[str]:
    folder = paths[0].parent
    command = [
        sys.executable,
        "-m",
        "pytest",
        "-q",
        "-p",
        "no:cacheprovider",
        "--rootdir",
        str(folder),
        *map(str, paths),
    ]
    return subprocess.run(command, capture_output=True, text=True, check=False, cwd=folder)


def case_in(path: Path) -> dict[str, Any]:
    found = re.search(r"CASE = r'''\n(.*?)\n'''", path.read_text(), flags=re.DOTALL)
    assert found is not None
    told: dict[str, Any] = json.loads(found[1])
    return told


def with_case(path: Path, case: dict[str, Any]) -> Path:
    before, _, rest = path.read_text().partition("CASE = r'''\n")
    _, _, after = rest.partition("\n'''")
    text = json.dumps(case).replace("'", "\\u0027")
    changed = path.with_name(f"without_{path.name}")
    changed.write_text(f"{before}CASE = r'''\n{text}\n'''{after}")
    return changed


# What is found, in which sequence, and in how many events of it at most it is found still.
CASES = [
    ("hallucinated_tool", "unknown_tool", "", 2),
    ("reasoning_loop", "loop", "", 12),
    ("cost_runaway", "cap_use", "", 30),
    ("budget_spend", "budget_use", "", 15),
    ("duplicate_action", "duplicate_action", "", 4),
    ("cascading_approval", "broken_delegation", "", 4),
    ("conflicting_write", "conflicting_write", "", 8),
    ("data_leak", "data_leaked", "", 3),
    ("audit_gap", "sequence_gap", "", 3),
    ("audit_gap", "never_closed", "", 2),
    ("ungrounded_answer", "unsupported_claims", "", 3),
    ("incident", "incident", "unapproved-and-then-silence", 5),
]


def told_in(rule: str, kind: str, name: str) -> Any:
    """The first sequence that leads to such a finding."""
    for sequence in SEQUENCES:
        if name in sequence.tenant and any(fires.kind == kind for fires in sequence.fires):
            return sequence
    raise AssertionError(f"no sequence leads to {rule} / {kind}")


@pytest.mark.few(3)
@pytest.mark.parametrize(("rule", "kind", "name", "most"), CASES, ids=[f"{rule}-{kind}" for rule, kind, *_ in CASES])
def test_a_stored_finding_becomes_a_test_that_needs_each_of_its_events(
    run: Run, worker: Worker, tmp_path: Path, rule: str, kind: str, name: str, most: int
) -> None:
    scene = told_in(rule, kind, name).told()
    found = next(one for one in worker.judge(scene) if (one.rule_id, one.kind) == (rule, kind))
    path = tmp_path / "repro_case.py"
    ended = run("finding", "repro", found.finding_id, "--tenant", found.tenant_id, "--output", str(path))
    assert ended.exit_code == 0, ended.output
    case = case_in(path)
    assert case["expected"]["finding_id"] == found.finding_id
    said = re.search(r"needed: (\d+) of (\d+) event", ended.stdout)
    assert said is not None
    # Of many sessions only those are looked at that the finding names, where that is enough.
    assert (int(said[1]), int(said[2]) <= len(scene.events)) == (len(case["events"]), True)
    assert 1 <= len(case["events"]) <= min(most, len(scene.events))
    without = {**case, "events": case["events"][:-1]}
    if "arrived_us" in case:
        without["arrived_us"] = case["arrived_us"][:-1]
    changed = with_case(path, without)
    ran = pytest_of(path, changed)
    assert (ran.returncode, "1 failed, 1 passed" in ran.stdout) == (1, True), ran.stdout + ran.stderr
    assert f"FAILED {changed.name}::test_{rule}_is_found" in ran.stdout
    assert "is not found in these" in ran.stdout


def said_too_much(scene: Scene) -> Story:
    """A long session that calls a tool which is not there, and says many personal things."""
    story = scene.story(tools=[{"name": "lookup", "description": "", "parameters": None}], agent="support")
    story.start(goal=story.content("Ada Lovelace of 12 St James's Square wants her money back."))
    for number in range(12):
        story.prompt(f"My secret number is {number}7711.")
        story.ask("lookup", f"The address is 12 St James's Square, flat {number}.", who="Ada Lovelace")
        story.response(10, 5, text=story.content("Ada's 'case' is \"open\" \\ under review."))
    story.say(
        "tool_call",
        {"tool_call_id": "c-x", "tool_name": "refnd", "arguments": {"to": "Ada Lovelace"}},
        user_id="ada@example.com",
    )
    story.end()
    return story


def test_redacted_it_holds_nothing_that_was_said_and_is_not_needed(run: Run, worker: Worker, tmp_path: Path) -> None:
    scene = Scene(f"redact-{uuid7()}")
    said_too_much(scene)
    (found,) = [one for one in worker.judge(scene) if one.kind == "unknown_tool"]
    plain, bare = tmp_path / "plain.py", tmp_path / "bare.py"
    for path, options in ((plain, ()), (bare, ("--redact",))):
        ended = run("finding", "repro", found.finding_id, "--output", str(path), *options)
        assert ended.exit_code == 0, ended.output
        assert pytest_of(path).returncode == 0
    assert "Ada Lovelace" in plain.read_text()
    body = bare.read_text().partition("CASE = ")[2]
    for personal in ("Ada", "ada@", "7711", "James", "money"):
        assert personal not in body
    assert " are needed" in ended.stdout


def test_as_json_nothing_is_written_unless_asked_for(
    run: Run, worker: Worker, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    scene = Scene(f"json-{uuid7()}")
    events = len(said_too_much(scene).events)
    (found,) = [one for one in worker.judge(scene) if one.kind == "unknown_tool"]
    ended = run("finding", "repro", found.finding_id, "--json")
    document = orjson.loads(ended.stdout)
    assert (document["made_of"], document["trials"] > 3) == (events, True)
    assert document["expected"]["finding_id"] == found.finding_id
    assert list(tmp_path.iterdir()) == []
    assert run("finding", "repro", found.finding_id).exit_code == 0
    (path,) = tmp_path.iterdir()
    assert path.name.startswith("repro_hallucinated_tool_")
    again = run("finding", "repro", found.finding_id)
    assert (again.exit_code, "--force" in again.stderr) == (ExitCode.USAGE, True)
    assert run("finding", "repro", found.finding_id, "--force").exit_code == 0


@pytest.mark.long
def test_published_grants_are_part_of_the_case(run: Run, client: Any, broker: str, tmp_path: Path) -> None:
    tenant = f"grants-{uuid7()}"
    with GrantIssuer(broker, tenant=tenant, key=b"") as issuer:
        needed = issuer.grant("g-root", scope=["orders:*"], delegable=["orders:read"])
        issuer.grant("g-other", scope=["*"])
    worker = Worker(client, GrantBook())
    worker.book.add(needed)
    scene = Scene(tenant)
    first = scene.story(agent="first")
    first.start()
    handed = {"delegation_id": "d-1", "child_session_id": "s-2", "child_agent_id": "helper", "grant_id": "g-1"}
    first.say("delegation", {**handed, "parent_grant_id": "g-root", "scope": ["orders:write"]})
    first.end()
    (found,) = [one for one in worker.judge(scene) if one.rule_id == "cascading_approval"]
    path = tmp_path / "repro_grants.py"
    ended = run("finding", "repro", found.finding_id, "--output", str(path), kafka=broker)
    assert ended.exit_code == 0, ended.output
    case = case_in(path)
    assert ([grant["grant_id"] for grant in case["grants"]], len(case["events"])) == (["g-root"], 1)
    assert pytest_of(path).returncode == 0
    # Without the broker the grant is not known, and then the finding is not found.
    away = run("finding", "repro", found.finding_id, "--output", str(tmp_path / "away.py"))
    assert away.exit_code == ExitCode.FAILED
    assert "going on without published grants" in away.stderr


def test_what_cannot_be_found_again_is_said(run: Run, shelf: Any, tmp_path: Path) -> None:
    shelf.event("session_started", 0, {})
    shelf.state()
    found = shelf.finding()
    path = tmp_path / "never.py"
    ended = run("finding", "repro", found.finding_id, "--output", str(path))
    assert ended.exit_code == ExitCode.FAILED
    assert "it is not found again in what is stored (1 event)" in ended.stderr
    assert not path.exists()
    gone = shelf.finding(session_id="past its retention")
    assert run("finding", "repro", gone.finding_id, "--output", str(path)).exit_code == ExitCode.NOT_FOUND
    assert run("finding", "repro", "nothing", "--output", str(path)).exit_code == ExitCode.NOT_FOUND


def test_shrinking_leaves_what_is_needed_and_says_how_far_it_came() -> None:
    left: list[int] = []
    budget = Budget(3600)
    kept = shrink(range(1000), lambda some: {3, 500, 999} <= set(some), budget, left.append)
    assert kept == [3, 500, 999]
    assert left == sorted(left, reverse=True)
    assert budget.trials < 200
    spent = Budget(0)
    assert shrink(range(10), lambda _: True, spent) == list(range(10))
    assert (spent.is_spent, spent.trials) == (True, 0)
    assert shrink(range(10), lambda _: True, Budget(3600)) == []
