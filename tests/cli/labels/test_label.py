"""People label sessions: key by key, in a fair order, resumed where they stopped; and labels of other tools."""

from __future__ import annotations

import io
from collections.abc import Callable
from pathlib import Path
from typing import Any

import click
import orjson
import pytest
from rich.console import Console

from watchkeeper.cli.exit_codes import ExitCode
from watchkeeper.cli.labels.asking import Asking
from watchkeeper.evals.interaction import Interaction
from watchkeeper.evals.labelling.rubrics import GENERAL

Run = Callable[..., Any]

RUBRIC = """
- intent: refund
  bar: 0.7
  criteria:
    - {name: correct, asks: "Is the amount right?", weight: 3, must_pass: true}
    - {name: tone, asks: "Is it friendly?"}
"""


@pytest.fixture
def rubric(tmp_path: Path) -> Path:
    path = tmp_path / "rubric.yaml"
    path.write_text(RUBRIC)
    return path


def lines(ended: Any) -> list[Any]:
    assert ended.exit_code == 0, ended.output
    return [orjson.loads(line) for line in ended.stdout.splitlines()]


def stored(floor: Any) -> list[dict[str, Any]]:
    sql = "SELECT * FROM labels FINAL WHERE tenant_id = {tenant:String} ORDER BY given_at, label_id"
    found = floor.shelf.client.query(sql, parameters={"tenant": floor.tenant})
    return [dict(zip(found.column_names, row, strict=True)) for row in found.result_rows]


def test_a_session_is_shown_and_each_criterion_asked(floor: Any, label: Run, rubric: Path) -> None:
    session = floor.session("s1", said="Your refund of 12 is on its way.")
    ended = label("--rubric", str(rubric), keys="yp\n")
    assert ended.exit_code == 0, ended.output
    for text in ("Where is my refund?", "Your refund of 12", 'refund {"amount":12}', "paid", "Help with refunds."):
        assert text in ended.output
    assert "You help people." not in ended.output
    assert "1/2 correct (must be passed): Is the amount right?" in ended.output
    assert "by the rubric it passes (0.88, bar 0.7)" in ended.output
    assert "this draw is done" in ended.output
    (row,) = stored(floor)
    assert (row["session_id"], row["passed"], row["value"], row["given_by"]) == (session, True, 0.875, "ada")
    assert (row["agent_id"], row["intent"], row["way"]) == (floor.agent, "refund", "terminal")
    assert row["rubric"].startswith("refund@")
    criteria = {one["name"]: one["value"] for one in orjson.loads(row["criteria"])}
    assert criteria == {"correct": 1.0, "tone": 0.5}


def test_a_person_may_say_otherwise_than_the_rubric_go_back_and_take_a_note(
    floor: Any, label: Run, rubric: Path
) -> None:
    floor.session("s1", said="x" * 3000)
    # Back from the second to the first, and from the whole to the second; in full, a note, and a no against a pass.
    ended = label("--rubric", str(rubric), keys="nbyyb?ftlate but right\nn")
    assert ended.exit_code == 0, ended.output
    assert "1,500 more characters (f)" in ended.output
    assert "x" * 3000 in ended.output.replace("\n", "").replace(" ", "")
    assert "You help people." in ended.output
    (row,) = stored(floor)
    assert (row["passed"], row["value"], row["note"]) == (False, 1.0, "late but right")
    criteria = orjson.loads(row["criteria"])
    assert [(one["value"], one["note"]) for one in criteria] == [(1.0, ""), (None, "cannot tell")]


def test_it_stops_anywhere_and_goes_on_there(floor: Any, label: Run, rubric: Path) -> None:
    sessions = {floor.session(f"s{number}") for number in range(4)}
    about = ("--rubric", str(rubric))
    first = label(*about, keys="yy\nsy" + "q")
    assert "2 sessions of this draw left" in first.output
    queue = lines(label("--json"))
    assert [row["labelled"] for row in queue] == [True, True, False, False]
    assert {row["session_id"] for row in queue} == sessions
    assert [row["position"] for row in queue] == [0, 1, 2, 3]
    assert [row["skipped"] for row in stored(floor)] == [False, True]
    # A key pressed by mistake does nothing; the end of input stops.
    assert "1 session of this draw left" in label(*about, keys="xnn\n").output
    assert "this draw is done" in label(*about, keys="yy\n").output
    kept = stored(floor)
    assert [row["session_id"] for row in kept] == [row["session_id"] for row in queue]
    assert len({row["draw_id"] for row in kept}) == 1
    again = label(*about, keys="yy\n")
    assert again.exit_code == ExitCode.NOT_FOUND
    assert "all of them are labelled" in again.output


def test_what_graders_say_is_not_shown(floor: Any, label: Run, rubric: Path) -> None:
    session = floor.session("s1")
    floor.score(session, good=False, reason="The judge finds it dreadful.")
    floor.score(session, grader="tone@1", good=True)
    shown = label("--rubric", str(rubric), keys="q")
    assert "dreadful" not in shown.output
    assert "disagree" not in shown.output
    (row,) = lines(label("--json"))
    assert (row["stratum"], row["why"]) == ("disagreement", "graders disagree: llm_judge 0.00 failed, tone 1.00 passed")


def test_what_is_worth_more_comes_more_often(floor: Any, label: Run) -> None:
    for number in range(150):
        session = floor.row(f"s{number}")
        floor.score(session, good=number >= 30)
        if number < 30:
            floor.score(session, grader="other@1", good=True)
    unscored = floor.row("never scored")
    queue = lines(label("--json", "--limit", "30"))
    assert len(queue) == 30
    assert unscored not in {row["session_id"] for row in queue}
    assert sum(row["stratum"] == "disagreement" for row in queue) > 14
    assert {row["candidates"] for row in queue} == {150}
    assert all(0 < row["inclusion"] <= 1 for row in queue)
    # The draw under way is shown again; a new one is another, with the same first sessions: places do not change.
    assert lines(label("--json")) == queue
    other = lines(label("--json", "--new", "--limit", "5"))
    assert other[0]["draw_id"] != queue[0]["draw_id"]
    assert [row["session_id"] for row in other] == [row["session_id"] for row in queue[:5]]


def test_labels_of_other_tools_are_imported_once(floor: Any, label: Run, tmp_path: Path) -> None:
    session = floor.row("s1")
    path = tmp_path / "labels.jsonl"
    told = floor.label(session, good=False, criteria={"tone": 0.5, "safe": None}, inclusion=0.25, given_by="bob")
    path.write_bytes(orjson.dumps(told) + b"\n\n")
    assert label("--from", str(path)).output == "1 label imported\n"
    (row,) = lines(label("--from", str(path), "--json"))
    assert (row["given_by"], row["inclusion"], row["agent_id"], row["way"]) == ("bob", 0.25, floor.agent, "import")
    (kept,) = stored(floor)
    assert (kept["passed"], kept["inclusion"], kept["intent"]) == (False, 0.25, "refund")
    # Another opinion later is another label: the first is its history.
    path.write_bytes(orjson.dumps(told | {"passed": True, "given_at": "2026-11-20T10:00:00Z"}))
    label("--from", str(path))
    assert len(stored(floor)) == 2
    path.write_bytes(orjson.dumps({"session_id": session, "passed": True}))
    assert "1 without `inclusion`" in label("--from", str(path)).output


@pytest.mark.parametrize(
    ("text", "code", "match"),
    [
        ("", ExitCode.CONFIGURATION, "holds no label"),
        ("{", ExitCode.CONFIGURATION, "labels.jsonl:1: is no label"),
        ('\n{"session_id": "s", "pased": true}', ExitCode.CONFIGURATION, "labels.jsonl:2: is no label: pased"),
        ('{"session_id": "s"}', ExitCode.CONFIGURATION, "says nothing: give passed"),
        ('{"session_id": "s", "inclusion": 0, "passed": true}', ExitCode.CONFIGURATION, "inclusion"),
        ('{"session_id": "nowhere", "passed": true}', ExitCode.NOT_FOUND, "no session nowhere"),
    ],
)
def test_a_file_that_holds_no_labels_is_refused_whole(
    floor: Any, label: Run, tmp_path: Path, text: str, code: ExitCode, match: str
) -> None:
    path = tmp_path / "labels.jsonl"
    good = orjson.dumps(floor.label(floor.row("s1"), good=True)).decode()
    path.write_text(f"{text}\n{good if text else ''}")
    ended = label("--from", str(path))
    assert ended.exit_code == code
    assert match in ended.output
    assert stored(floor) == []


def test_nothing_to_label(label: Run) -> None:
    ended = label("--json")
    assert ended.exit_code == ExitCode.NOT_FOUND
    assert "none ended in that time" in ended.output


def test_an_intent_without_a_rubric(floor: Any, label: Run, rubric: Path) -> None:
    floor.session("s1", intent="weather")
    ended = label("--rubric", str(rubric), keys="y")
    assert ended.exit_code == ExitCode.CONFIGURATION
    assert "no rubric is for the intent 'weather'" in ended.output


@pytest.mark.parametrize("text", ["", "- {intent: x}", "criteria: [", "[]", "rubrics:\n- {intent: x, criteria: []}"])
def test_a_rubric_that_is_none(label: Run, tmp_path: Path, text: str) -> None:
    path = tmp_path / "rubric.yaml"
    path.write_text(text)
    ended = label("--rubric", str(path))
    assert ended.exit_code == ExitCode.CONFIGURATION
    assert str(path) in ended.output


def test_without_a_terminal_it_says_what_to_do() -> None:
    def no_terminal() -> str:
        raise OSError("no such device or address: '/dev/tty'")

    moment = "2026-11-01T00:00:00Z"
    told = orjson.dumps({"interaction_id": "s", "started_at": moment, "ended_at": moment})
    asking = Asking(Console(file=io.StringIO()), Interaction.model_validate_json(told), GENERAL, no_terminal)
    with pytest.raises(click.UsageError, match="--from FILE"):
        asking.ask()
