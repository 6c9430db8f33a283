"""`watchkeeper evals train`: from recordings, and from stored sessions on the real engine."""

from __future__ import annotations

import random
from collections.abc import Callable
from pathlib import Path
from typing import Any

import orjson
import pytest
from click.testing import Result

from watchkeeper.cli.exit_codes import ExitCode
from watchkeeper.evals.grading.registry import build_grader
from watchkeeper.evals.reading.recordings import from_recording
from watchkeeper.schemas.ids import uuid7

Run = Callable[..., Result]


def recorded(at: int, draw: random.Random) -> dict[str, Any]:
    good = draw.random() < 0.5
    failures = draw.choice([0, 0, 1] if good else [1, 2, 3])
    messages: list[dict[str, Any]] = [{"role": "user", "content": f"Please pay invoice number {at}"}]
    for number in range(4):
        call = {"id": f"c{number}", "name": "pay", "arguments": {"n": number}}
        messages.append({"role": "assistant", "content": "", "tool_calls": [call]})
        result = {"role": "tool", "tool_call_id": f"c{number}", "name": "pay", "content": "refused"}
        messages.append({**result, "error": number < failures})
    messages.append({"role": "assistant", "content": "That is all."})
    labels = {"reward": float(good), "task": f"t{at % 30}", "remark": "seen"}
    return {"session_id": f"r{at}", "agent": "clerk", "messages": messages, "labels": labels}


@pytest.fixture
def recording(tmp_path: Path) -> Path:
    draw = random.Random(5)
    path = tmp_path / "runs.jsonl"
    path.write_bytes(b"\n".join(orjson.dumps(recorded(at, draw)) for at in range(140)))
    return path


def test_a_recording_makes_a_model_that_grades_and_a_card(run: Run, recording: Path, tmp_path: Path) -> None:
    out = tmp_path / "clerk.json"
    ended = run(
        *("evals", "train", "--recording", str(recording), "--outcome", "reward", "--group-by", "task"),
        *("--out", str(out), "--json"),
    )
    assert ended.exit_code == 0, ended.output
    told = orjson.loads(ended.stdout)
    assert (told["sessions"], told["groups"], told["agents"]) == (140, 30, ["clerk"])
    assert told["target"] == "reward from 0.5"
    assert told["better_than_chance"] is True
    (auc,) = [one for one in told["measures"] if one["name"] == "auc"]
    assert 0.5 < auc["low"] < auc["value"] < auc["high"]
    assert told["sha256"] in Path(told["card"]).read_text()
    grader = build_grader(f"statistical:model={out}")
    lines = [orjson.loads(line) for line in recording.read_bytes().splitlines()]
    grades = [grader.grade(from_recording(line), None) for line in lines]
    assert {grade.result_type for grade in grades} == {"number"}
    right = sum(grade.passed == (line["labels"]["reward"] > 0.5) for grade, line in zip(grades, lines, strict=True))
    assert right > 100


def test_labels_that_people_gave_are_taken_for_the_same_sessions(run: Run, recording: Path, tmp_path: Path) -> None:
    labels = tmp_path / "labels.jsonl"
    said = [{"session_id": f"r{at}", "passed": at < 10} for at in range(30)]
    labels.write_bytes(b"\n".join(map(orjson.dumps, [*said, {"session_id": "elsewhere", "passed": True}])))
    out = str(tmp_path / "m.json")
    ended = run("evals", "train", "--recording", str(recording), "--labels", str(labels), "--out", out)
    assert ended.exit_code == ExitCode.CONFIGURATION
    assert "1 labelled sessions were not found: they are left out" in ended.stderr
    assert "there are 10 good and 20 bad sessions" in ended.stderr
    assert "label 30 more good and 20 more bad" in ended.stderr


@pytest.mark.parametrize(
    ("given", "code", "told"),
    [
        ([], 2, "whose sessions? Give --agent NAME"),
        (["--outcome", "reward"], 2, "whose sessions? Give --agent NAME"),
        (["--recording", "R"], 2, "--recording needs labels"),
        (["--outcome", "reward", "--labels", "R"], 2, "one of them"),
        (["--agent", "nobody"], ExitCode.NOT_FOUND, "nobody has labelled a session of nobody"),
        (
            ["--outcome", "reward", "--good-from", "2", "--recording", "R"],
            ExitCode.CONFIGURATION,
            "40 of each are needed",
        ),
        (
            ["--outcome", "remark", "--recording", "R"],
            ExitCode.CONFIGURATION,
            "is a text: name one that is true or false",
        ),
        (["--outcome", "rewrad", "--recording", "R"], ExitCode.CONFIGURATION, "0 good and 0 bad"),
    ],
)
def test_mistakes_are_told(run: Run, recording: Path, tmp_path: Path, given: list[str], code: int, told: str) -> None:
    arguments = [str(recording) if one == "R" else one for one in given]
    ended = run("evals", "train", *arguments, "--out", str(tmp_path / "m.json"))
    assert ended.exit_code == code, ended.output
    assert told in ended.stderr
    assert not (tmp_path / "m.json").exists()


def stored(shelf: Any, at: int, good: bool, failures: int) -> str:
    shelf.session = f"session-{uuid7()}"
    shelf._next = {}
    shelf.event("session_started", 0, {"goal": shelf.text("Pay invoices.")})
    shelf.event("prompt", 1, {"request_id": "q1", "messages": [shelf.message("user", f"Please pay invoice {at}")]})
    for number in range(3):
        call = f"c{number}"
        shelf.event("tool_call", 2 + number, {"tool_call_id": call, "tool_name": "pay", "arguments": {"n": number}})
        answer = {"status": "error", "error_type": "Refused"} if number < failures else {"status": "ok"}
        shelf.event(
            "tool_result", 2.5 + number, {"tool_call_id": call, "tool_name": "pay", "result": shelf.text("x"), **answer}
        )
    shelf.event("outcome", 7, {"name": "csat", "kind": "feedback", "value": 5.0 if good else 1.0}, writer_id="crm")
    shelf.event("session_ended", 8, {"status": "completed"})
    shelf.state(events=10)
    return str(shelf.session)


def test_stored_sessions_are_labelled_by_what_became_of_them(run: Run, shelf: Any, tmp_path: Path) -> None:
    ids = [stored(shelf, at, at % 3 == 0, at % 2) for at in range(9)]
    whose = ("--tenant", shelf.tenant, "--out", str(tmp_path / "m.json"))
    ended = run(
        "evals", "train", "--agent", shelf.agent, *whose, "--outcome", "csat", "--good-from", "4", "--since", "1d"
    )
    assert ended.exit_code == ExitCode.CONFIGURATION
    assert "there are 3 good and 6 bad sessions" in ended.stderr
    labels = tmp_path / "labels.jsonl"
    labels.write_bytes(b"\n".join(orjson.dumps({"session_id": one, "passed": True}) for one in ids[:5]))
    ended = run("evals", "train", "--labels", str(labels), *whose)
    assert "there are 5 good and 0 bad sessions" in ended.stderr
    ended = run("evals", "train", "--agent", "nobody", *whose, "--outcome", "csat")
    assert "no session was found" in ended.stderr


def test_what_people_labelled_in_the_terminal_is_trained_on(run: Run, shelf: Any, tmp_path: Path) -> None:
    ids = [stored(shelf, at, at % 3 == 0, at % 2) for at in range(9)]
    whose = ("--tenant", shelf.tenant)
    # Of the first, two of three people say no; of the second one person changes their mind.
    said = [(ids[0], False, "ada"), (ids[0], True, "bob"), (ids[0], False, "eve"), (ids[1], False, "ada")]
    said += [(one, True, "ada") for one in ids[1:6]]
    labels = [orjson.dumps({"session_id": one, "passed": good, "given_by": who}) for one, good, who in said]
    for number, label in enumerate(labels):
        file = tmp_path / f"{number}.jsonl"
        file.write_bytes(label)
        assert run("evals", "label", "--from", str(file), *whose).exit_code == 0
    ended = run("evals", "train", "--agent", shelf.agent, *whose, "--out", str(tmp_path / "m.json"))
    assert ended.exit_code == ExitCode.CONFIGURATION
    assert "there are 5 good and 1 bad sessions" in ended.stderr
