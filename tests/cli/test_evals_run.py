"""`watchkeeper evals run`: a suite's folder, a module in the working directory, exit codes, files, scores."""

from __future__ import annotations

import sys
import uuid
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

import orjson
import pytest
from click.testing import Result
from confluent_kafka import Consumer

from watchkeeper.cli.exit_codes import ExitCode
from watchkeeper.evals.interaction import Turn
from watchkeeper.evals.rubric import Criterion, Rubric
from watchkeeper.evals.suites.case import Case
from watchkeeper.evals.suites.files import write_suite
from watchkeeper.evals.suites.suite import Suite
from watchkeeper.schemas.scores import SCORE_ADAPTER
from watchkeeper.schemas.topics import SCORES

Run = Callable[..., Result]

AGENT = '''
"""An agent that knows the answers, but for every so many."""

def wrong_every(count):
    def answer(messages, *, case_id, **_):
        print("thinking")
        number = int(case_id.removeprefix("case-"))
        if count and number % count == 0:
            return "I cannot say."
        return f"Answer {number}"
    return answer

good = wrong_every(0)
slightly = wrong_every(40)
worse = wrong_every(6)

def crashes(messages, *, case_id):
    if int(case_id.removeprefix("case-")) % 4 == 0:
        raise RuntimeError("no tools today")
    return f"Answer {case_id.removeprefix('case-')}"
'''


def made_suite(cases: int) -> Suite:
    rubric = Rubric(
        criteria=(Criterion(name="correct", asks="Is it the answer?", must_pass=True, grader="exact_match"),)
    )
    return Suite(
        name="refunds",
        agent="desk",
        created=datetime.now(UTC),
        rubrics=(rubric,),
        cases=tuple(
            Case(
                case_id=f"case-{number}",
                intent="refund" if number % 2 else "order",
                messages=(Turn(speaker="user", text=f"Question {number}?"),),
                recorded=(Turn(speaker="assistant", text=f"Answer {number}"),),
                reference_answer=f"Answer {number}",
                consent="synthetic",
            )
            for number in range(1, cases + 1)
        ),
    )


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A working directory with a suite of 120 cases, a small one, and an agent."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", list(sys.path))
    name = f"agent_{uuid.uuid4().hex[:8]}"
    (tmp_path / f"{name}.py").write_text(AGENT)
    write_suite(made_suite(120), tmp_path / "suites" / "refunds")
    write_suite(made_suite(8).model_copy(update={"name": "small"}), tmp_path / "suites" / "small")
    return tmp_path / name


def document(ended: Result) -> Any:
    return orjson.loads(ended.stdout)


def test_an_agent_as_good_as_what_was_recorded_passes(run: Run, place: Path) -> None:
    agent = f"{place.name}:slightly"
    ended = run("evals", "run", "--suite", "refunds", "--candidate", agent, "--baseline", "recorded", "--json")
    assert ended.exit_code == ExitCode.OK, ended.output
    found = document(ended)
    assert (found["outcome"], found["suite"]) == ("pass", "refunds@1")
    (whole,) = [one for one in found["measures"] if one["scope"] == "whole"]
    assert (whole["cases"], whole["worse"]) == (120, 3)
    assert whole["visible_fall"] < 0.1
    assert {one["name"] for one in found["measures"] if one["scope"] == "must_pass"} == {"correct"}
    kept = Path(found["kept_in"])
    assert {path.name for path in kept.iterdir()} == {
        *("candidate.jsonl", "baseline.jsonl"),
        *("run.json", "summary.json", "summary.md", "junit.xml", "output.txt"),
    }


def test_a_worse_agent_is_blocked_with_its_own_code_and_files_for_the_pull_request(run: Run, place: Path) -> None:
    Path("pull.md").write_text("# Checks\n")
    given = ("--junit", "gate.xml", "--markdown", "pull.md", "--out", "kept")
    worse = f"{place.name}:worse"
    ended = run("evals", "run", "--suite", "refunds", "--candidate", worse, "--baseline", "recorded", *given)
    assert ended.exit_code == ExitCode.WORSE, ended.output
    assert "Blocked: worse than the baseline" in ended.stdout
    assert "rubric fell: -16.7 points on 120 cases" in ended.stdout
    # What the agent prints is no part of the answer.
    assert "thinking" not in ended.output
    assert Path("kept/output.txt").read_text().count("thinking") == 120
    assert Path("pull.md").read_text().startswith("# Checks\n## ❌ Blocked")
    root = ET.parse("gate.xml").getroot()
    assert (root.get("tests"), root.get("failures")) == ("121", "21")


def test_a_kept_run_is_a_baseline_and_without_one_nothing_is_decided(run: Run, place: Path) -> None:
    good, worse = f"{place.name}:good", f"{place.name}:worse"
    ended = run("evals", "run", "--suite", "refunds", "--candidate", good, "--out", "main-run")
    assert ended.exit_code == ExitCode.OK
    assert "120 attempts, 0 failures; nothing compared" in ended.stdout
    ended = run("evals", "run", "--suite", "refunds", "--candidate", worse, "--baseline", "main-run", "--json")
    assert (ended.exit_code, document(ended)["outcome"]) == (ExitCode.WORSE, "fall")
    # Two kept runs are compared without asking anybody.
    ended = run("evals", "run", "--suite", "refunds", "--candidate", "main-run", "--baseline", "main-run")
    assert ended.exit_code == ExitCode.OK
    ended = run("evals", "run", "--suite", "refunds", "--candidate", good, "--baseline", "main-run", "--repeats", "2")
    assert (ended.exit_code, "give --repeats 1" in ended.stderr) == (ExitCode.CONFIGURATION, True)
    ended = run("evals", "run", "--suite", "refunds", "--candidate", good, "--out", "main-run")
    assert (ended.exit_code, "is not empty" in ended.stderr) == (ExitCode.CONFIGURATION, True)


def test_too_few_cases_are_told_before_and_after(run: Run, place: Path) -> None:
    ended = run("evals", "run", "--suite", "small", "--candidate", f"{place.name}:good", "--baseline", "recorded")
    assert ended.exit_code == ExitCode.UNDECIDED
    assert "the suite has 8 cases" in ended.stderr
    assert "Not decided" in ended.stdout
    assert "too small to see a fall" in ended.stdout


def test_an_agent_that_crashes_does_not_pass(run: Run, place: Path) -> None:
    crashes = f"{place.name}:crashes"
    ended = run("evals", "run", "--suite", "refunds", "--candidate", crashes, "--baseline", "recorded")
    assert ended.exit_code == ExitCode.WORSE
    assert "it answers less often: -25.0 points" in ended.stdout
    assert "the candidate gave no answer in 30 of 120: 30 raised" in ended.stdout
    assert ended.stderr.count("RuntimeError: no tools today") == 1


@pytest.mark.parametrize(
    ("given", "code", "told"),
    [
        (("--suite", "nowhere", "--candidate", "recorded"), 78, "there is no suite of this name"),
        (("--suite", "refunds", "--candidate", "no.such:agent"), 78, "there is no module no"),
        (("--suite", "refunds", "--candidate", "recorded", "--grader", "exactmatch"), 78, "did you mean exact_match?"),
        (("--suite", "refunds", "--candidate", "recorded", "--body", "[1]"), 2, "give a JSON object"),
        (("--suite", "refunds", "--candidate", "recorded", "--margin", "0"), 2, "--margin"),
    ],
)
def test_what_cannot_be_run_is_told(run: Run, place: Path, given: tuple[str, ...], code: int, told: str) -> None:
    ended = run("evals", "run", *given)
    assert (ended.exit_code, told in ended.stderr) == (code, True), ended.stderr


def test_criteria_without_a_grader_need_a_judge(run: Run, place: Path) -> None:
    rubric = Rubric(criteria=(Criterion(name="tone", asks="Is it kind?"),))
    write_suite(made_suite(8).model_copy(update={"rubrics": (rubric,), "name": "asks"}), Path("suites/asks"))
    ended = run("evals", "run", "--suite", "asks", "--candidate", "recorded")
    assert (ended.exit_code, "need a judge (tone): give --judge FILE" in ended.stderr) == (78, True)


@pytest.mark.long
def test_scores_are_published_where_that_is_asked(run: Run, place: Path, broker: str) -> None:
    tenant = f"tenant-{uuid.uuid4().hex[:12]}"
    given = ("--tenant", tenant, "--agent-version", "pr-7", "--publish", "--json")
    good = f"{place.name}:good"
    ended = run("evals", "run", "--suite", "small", "--candidate", good, "--baseline", "recorded", *given, kafka=broker)
    assert ended.exit_code == ExitCode.UNDECIDED, ended.output
    scores = [score for score in read_scores(broker, 16, tenant) if score.tenant_id == tenant]
    assert len({score.score_id for score in scores}) == 16
    assert {(score.source, score.suite, score.agent_id, score.origin) for score in scores} == {
        ("gate", "small@1", "desk", "simulated")
    }
    run_id = document(ended)["run_id"]
    assert {score.run_id for score in scores} == {f"{run_id}/candidate", f"{run_id}/baseline"}
    assert {score.agent_version for score in scores if score.run_id.endswith("/candidate")} == {"pr-7"}


def read_scores(broker: str, count: int, tenant: str) -> list[Any]:
    """So many scores of a tenant; fewer where they do not come within half a minute."""
    consumer = Consumer(
        {
            "bootstrap.servers": broker,
            "group.id": f"group-{uuid.uuid4()}",
            "auto.offset.reset": "earliest",
            "enable.auto.commit": False,
        }
    )
    consumer.subscribe([SCORES.name])
    found: list[Any] = []
    deadline = datetime.now(UTC).timestamp() + 60
    try:
        while len(found) < count and datetime.now(UTC).timestamp() < deadline:
            message = consumer.poll(1.0)
            if message is None or message.error():
                continue
            for line in (message.value() or b"").splitlines():
                score = SCORE_ADAPTER.validate_json(line)
                if score.tenant_id == tenant:
                    found.append(score)
    finally:
        consumer.close()
    return found


def kept_lines() -> list[str]:
    sides = ("candidate", "baseline")
    return [line for side in sides for line in (Path("kept") / f"{side}.jsonl").read_text().splitlines()]


def test_a_run_that_was_broken_off_goes_on_and_asks_nothing_twice(run: Run, place: Path) -> None:
    given = ("--suite", "refunds", "--candidate", f"{place.name}:slightly", "--baseline", "recorded", "--out", "kept")
    assert run("evals", "run", *given).exit_code == ExitCode.OK
    # As a kill leaves it: some of the answers, the last one half written.
    for side in ("candidate", "baseline"):
        file = Path("kept") / f"{side}.jsonl"
        lines = file.read_bytes().splitlines(keepends=True)
        file.write_bytes(b"".join(lines[:70]) + lines[70][:100])
    Path("kept/output.txt").unlink()
    before = set(kept_lines())
    ended = run("evals", "run", *given, "--resume", "--json")
    assert ended.exit_code == ExitCode.OK, ended.output
    found = document(ended)
    assert found["attempts"] == {"baseline": 120, "candidate": 120}
    assert Path("kept/output.txt").read_text().count("thinking") == 50
    after = kept_lines()
    assert len(after) == 240
    assert len(before & set(after)) == 140
    assert len({orjson.loads(line)["scores"][0]["run_id"] for line in after}) == 2
    other = run("evals", "run", *given[:-2], "--out", "kept", "--resume", "--seed", "7")
    assert (other.exit_code, "was begun with seed 0, not 7" in other.stderr) == (ExitCode.CONFIGURATION, True)
    assert run("evals", "run", *given[:-2], "--resume").exit_code == ExitCode.USAGE


def test_a_kept_run_that_is_not_whole_does_not_pass_for_one(run: Run, place: Path) -> None:
    good = f"{place.name}:good"
    assert run("evals", "run", "--suite", "refunds", "--candidate", good, "--out", "kept").exit_code == ExitCode.OK
    file = Path("kept/candidate.jsonl")
    file.write_bytes(b"".join(file.read_bytes().splitlines(keepends=True)[:100]))
    ended = run("evals", "run", "--suite", "refunds", "--candidate", "recorded", "--baseline", "kept", "--json")
    assert ended.exit_code == ExitCode.UNDECIDED
    found = document(ended)
    assert found["troubles"]["baseline"] == {"missing": 20}
    assert "20 of 120 cases (failures)" in found["reasons"][0]


def test_a_suite_that_was_edited_is_told(run: Run, place: Path) -> None:
    cases = Path("suites/small/cases.jsonl")
    cases.write_text(cases.read_text().replace("Question 3?", "Question three?"))
    ended = run("evals", "run", "--suite", "small", "--candidate", f"{place.name}:good")
    assert "small@1 is not as it was frozen: the run is of small@1-edited-" in ended.stderr
