"""`watchkeeper import` as a command. The whole way into the store is for `tests/integration/test_recordings.py`."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from click.testing import Result

from watchkeeper.cli.arrival import Arrival, await_arrival, count_findings
from watchkeeper.cli.stack.testing import running_broker
from watchkeeper.cli.store import ReadStore, open_store
from watchkeeper.producers.importers import WriterKey

Run = Callable[..., Result]

SESSION: dict[str, Any] = {
    "session_id": "s-1",
    "agent": "support",
    "messages": [{"role": "user", "content": "Is it?"}, {"role": "assistant", "content": "yes"}],
    "labels": {"reward": 1.0},
}


@pytest.fixture
def sessions(tmp_path: Path) -> Path:
    path = tmp_path / "sessions.jsonl"
    path.write_text("".join(json.dumps({**SESSION, "session_id": f"s-{i}"}) + "\n" for i in range(3)))
    return path


class TestDryRun:
    def test_it_needs_neither_broker_nor_store_and_says_what_would_be_produced(self, run: Run, sessions: Path) -> None:
        result = run("import", "--dry-run", str(sessions))
        assert result.exit_code == 0
        lines = [line.split() for line in result.stdout.splitlines() if line]
        assert lines[:-1] == [
            ["event", "produced", "stored"],
            ["session_started", "3", "-"],
            ["prompt", "3", "-"],
            ["response", "3", "-"],
            ["outcome", "3", "-"],
            ["session_ended", "3", "-"],
            ["total", "15", "-"],
        ]
        assert result.stdout.splitlines()[-1].startswith("3 sessions from 1 file, read in ")
        assert result.stdout.splitlines()[-1].endswith("nothing was sent")

    def test_for_machines_it_is_one_document(self, run: Run, sessions: Path) -> None:
        document = json.loads(run("import", "--dry-run", "--json", "--limit", "2", str(sessions)).stdout)
        assert document.pop("sent_seconds") >= 0
        assert document == {
            "dry_run": True,
            "files": 1,
            "sessions": 2,
            "repeated_lines": 0,
            "produced": 10,
            "stored": None,
            "events": {
                kind: {"produced": 2, "stored": None}
                for kind in ("session_started", "prompt", "response", "outcome", "session_ended")
            },
            "missing": None,
            "dead_letters": None,
            "findings": [],
            "problems": [],
            "losses": {},
            "stored_seconds": None,
        }

    def test_unreadable_lines_are_told_by_place_and_end_in_1(self, run: Run, tmp_path: Path) -> None:
        path = tmp_path / "mixed.jsonl"
        path.write_text(f"{{\n{json.dumps(SESSION)}\n{json.dumps(SESSION)}\n\x1b[2J\n")
        result = run("import", "--dry-run", str(path))
        assert result.exit_code == 1
        first, second = result.stderr.splitlines()
        assert first.startswith(f"watchkeeper: {path}:1: not JSON (")
        assert second.startswith(f"watchkeeper: {path}:4: not JSON (")
        assert "\x1b" not in result.output
        assert "1 session from 1 file (1 repeated line left out)" in result.stdout

    def test_of_many_unreadable_lines_the_first_are_told(self, run: Run, tmp_path: Path) -> None:
        path = tmp_path / "bad.jsonl"
        path.write_text("nonsense\n" * 50)
        result = run("import", "--dry-run", str(path))
        assert len(result.stderr.splitlines()) == 21
        assert result.stderr.splitlines()[-1] == "watchkeeper: and 30 more unreadable lines; --json names all"
        assert len(json.loads(run("import", "--dry-run", "--json", str(path)).stdout)["problems"]) == 50

    def test_the_form_can_be_forced(self, run: Run, sessions: Path) -> None:
        result = run("import", "--dry-run", "--json", "--format", "events", str(sessions))
        assert result.exit_code == 1
        assert all("no event of this version" in one["reason"] for one in json.loads(result.stdout)["problems"])


class TestTheBroker:
    def test_one_that_does_not_answer_is_said_at_once(self, run: Run, sessions: Path) -> None:
        result = run("import", str(sessions), kafka="127.0.0.1:1")
        assert (result.exit_code, result.stdout) == (69, "")
        assert "no broker answers at 127.0.0.1:1" in result.stderr

    def test_one_without_the_topic_is_said_at_once(self, run: Run, sessions: Path) -> None:
        with running_broker() as bootstrap:
            result = run("import", str(sessions), kafka=bootstrap)
        assert result.exit_code == 78
        assert "has no topic agent.events" in result.stderr

    def test_what_is_sent_need_not_be_waited_for(self, run: Run, sessions: Path, broker: str) -> None:
        result = run("import", "--no-wait", "--tenant", "no-wait", str(sessions), kafka=broker)
        assert result.exit_code == 0
        assert result.stdout.splitlines()[-1].endswith("; not waited for")

    def test_without_a_worker_patience_ends(self, run: Run, sessions: Path, broker: str) -> None:
        result = run("import", "--patience", "1s", "--tenant", "no-worker", str(sessions), kafka=broker)
        assert result.exit_code == 1
        assert "15 of 15 events did not reach ClickHouse" in result.stderr
        assert ["total", "15", "0"] in [line.split() for line in result.stdout.splitlines()]


def test_a_file_that_does_not_exist_is_a_wrong_command_line(run: Run) -> None:
    result = run("import", "missing.jsonl")
    assert result.exit_code == 2
    assert "missing.jsonl" in result.stderr


class TestArrival:
    """Whether the store holds what was sent."""

    @pytest.fixture
    def store(self, clickhouse: str) -> Iterator[ReadStore]:
        with open_store(clickhouse) as opened:
            yield opened

    def wait(self, store: ReadStore, expected: dict[WriterKey, int]) -> tuple[Arrival, list[int]]:
        seen: list[int] = []
        return await_arrival(store, expected, patience_seconds=0.5, on_progress=seen.append), seen

    def test_everything_is_there(self, store: ReadStore, shelf: Any) -> None:
        for second in range(3):
            shelf.event("reasoning", second, {"text": shelf.text("hm")})
        arrival, seen = self.wait(store, {WriterKey(shelf.tenant, shelf.session, "writer-1"): 3})
        assert arrival == Arrival(stored={"reasoning": 3})  # type: ignore[arg-type] # a Counter equals its dict
        assert seen == [3]

    def test_a_row_that_stands_twice_counts_once(self, store: ReadStore, shelf: Any) -> None:
        shelf.event("reasoning", 0, {"text": shelf.text("hm")})
        (row,) = store.rows("SELECT * FROM events WHERE tenant_id = {t:String}", t=shelf.tenant)
        kept = {
            key: row[key]
            for key in ("tenant_id", "session_id", "writer_id", "seq", "type", "event_id", "agent_id", "data")
        }
        again = {**kept, "digest": "other", "source_partition": 3, "source_offset": 9, "source_line": 0}
        times = {"occurred_at": row["occurred_at"].isoformat(), "received_at": row["received_at"].isoformat()}
        shelf.put("events", json.dumps({**again, **times}).encode())
        arrival, _ = self.wait(store, {WriterKey(shelf.tenant, shelf.session, "writer-1"): 2})
        assert (arrival.missing, arrival.stored.total()) == (1, 1)

    def test_other_writers_of_the_session_do_not_count(self, store: ReadStore, shelf: Any) -> None:
        shelf.event("reasoning", 0, {"text": shelf.text("hm")}, writer_id="somebody-else")
        arrival, seen = self.wait(store, {WriterKey(shelf.tenant, shelf.session, "writer-1"): 1})
        assert (arrival.missing, arrival.stored.total(), arrival.dead) == (1, 0, {})
        assert set(seen) == {0}

    def test_dead_letters_of_these_sessions_end_the_waiting(self, store: ReadStore, shelf: Any) -> None:
        shelf.event("reasoning", 0, {"text": shelf.text("hm")})
        shelf.letter(b"x", key=f"{shelf.tenant}/{shelf.session}".encode(), reason="invalid_field")
        shelf.letter(b"y", key=b"another/session")
        expected = {WriterKey(shelf.tenant, shelf.session, "writer-1"): 2}
        arrival = await_arrival(store, expected, patience_seconds=60)
        assert (arrival.missing, arrival.dead) == (1, {"invalid_field": 1})

    def test_many_sessions_are_asked_for_in_several_questions(self, store: ReadStore, new_shelf: Any) -> None:
        shelf = new_shelf()
        expected: dict[WriterKey, int] = {}
        for number in range(150):
            shelf.session = f"{number}-" + "é/'\\" * 60
            expected[WriterKey(shelf.tenant, shelf.session, f"w-{number}")] = 1
        for key in list(expected)[:3]:
            shelf.session = key.session_id
            shelf.event("reasoning", 0, {"text": shelf.text("hm")}, writer_id=key.writer_id)
        arrival, _ = self.wait(store, expected)
        assert (arrival.missing, arrival.stored.total()) == (147, 3)

    def test_findings_are_counted_by_kind_and_severity(self, store: ReadStore, shelf: Any) -> None:
        for severity in ("high", "high", "low"):
            shelf.finding(severity=severity)
        shelf.finding(status="resolved", revision=1)
        counts = count_findings(store, [WriterKey(shelf.tenant, shelf.session, "w")])
        assert [(c.kind, c.severity, c.findings, c.sessions) for c in counts] == [
            ("unknown_tool", "high", 2, 1),
            ("unknown_tool", "low", 1, 1),
        ]
