"""Means of scores with their intervals: weighted, corrected where people labelled, and plain about what is missing."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import orjson
import pytest
from contract_labels import NOON

from watchkeeper.cli.exit_codes import ExitCode
from watchkeeper.evals.labelling import records
from watchkeeper.schemas.model import format_utc

Run = Callable[..., Any]


@pytest.fixture
def scores(command: Run, floor: Any) -> Run:
    def invoke(*args: str) -> Any:
        return command("evals", "scores", "--tenant", floor.tenant, *args)

    return invoke


def lines(ended: Any) -> list[Any]:
    assert ended.exit_code == 0, ended.output
    return [orjson.loads(line) for line in ended.stdout.splitlines()]


def test_a_mean_is_that_of_all_sessions(floor: Any, scores: Run) -> None:
    for number in range(20):
        floor.score(f"risky-{number}", good=False, inclusion=1.0, stratum="risk")
        floor.score(f"other-{number}", good=True, inclusion=0.25)
    floor.score("broken", result_type="failure", value=None, passed=None, reason="the judge did not answer")
    (row,) = lines(scores("--json"))
    # 20 bad ones stand for themselves, 20 good ones for 80.
    assert row["mean"] == pytest.approx(0.8)
    assert row["lower"] < 0.8 < row["upper"]
    assert (row["scored"], row["failures"], row["corrected"], row["method"]) == (40, 1, False, "weighted_wilson")
    assert row["note"] == "not corrected: 10 more labels (watchkeeper evals label)"
    table = scores()
    assert "if the grader is right" in table.stdout
    assert "80.0%" in table.stdout


def test_by_version_and_week(floor: Any, scores: Run) -> None:
    for number in range(10):
        floor.score(f"old-{number}", good=True)
        floor.score(f"new-{number}", good=number < 5, agent_version="2.0")
    rows = lines(scores("--by", "version", "--by", "week", "--json"))
    assert [(row["traits"].get("version"), row["mean"]) for row in rows] == [(None, 0.75), ("1.4.2", 1.0), ("2.0", 0.5)]
    assert "week" in rows[1]["traits"]
    assert "2.0, 20" in scores("--by", "version", "--by", "week").stdout


def test_of_a_session_the_latest_score_counts_and_suites_do_not(floor: Any, scores: Run) -> None:
    first = floor.score("s", good=False)
    floor.score("s", good=True, grader="llm_judge@2", graded_at=first.graded_at + timedelta(hours=1))
    floor.score("case", good=False, source="suite", score_id="another")
    (row,) = lines(scores("--json"))
    assert (row["grader"], row["mean"], row["scored"]) == ("llm_judge@2", 1.0, 1)


def test_what_is_said_of_a_window_is_of_no_session(floor: Any, scores: Run, label: Run) -> None:
    name = floor.session("s")
    floor.score(name, good=True)
    floor.score("the sessions of 2026-01-01", good=False, grader="inputs@1")
    floor.store()
    (row,) = lines(scores("--json"))
    assert row["grader"] == "llm_judge@1"
    assert [row["session_id"] for row in lines(label("--json"))] == [name]


def test_more_scores_than_can_be_held_are_refused(floor: Any, scores: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(records, "MOST_SCORES", 2)
    for number in range(3):
        floor.score(f"s{number}", good=True)
    ended = scores("--json")
    assert ended.exit_code == ExitCode.CONFIGURATION
    assert "more than 2 scores since" in ended.stderr


def test_numbers_have_a_mean_value(floor: Any, scores: Run) -> None:
    for number in range(10):
        floor.score(f"s{number}", result_type="number", passed=None, value=number / 10, grader="similarity@1")
    (row,) = lines(scores("--json", "--grader", "similarity"))
    assert (row["measure"], row["mean"]) == ("value", pytest.approx(0.45))
    assert lines(scores("--json", "--grader", "other")) == []
    assert "no scores" in scores("--grader", "other").stdout


def imported(command: Run, floor: Any, tmp_path: Path, labels: list[dict[str, Any]]) -> None:
    path = tmp_path / "labels.jsonl"
    path.write_bytes(b"\n".join(orjson.dumps(one) for one in labels))
    ended = command("evals", "label", "--tenant", floor.tenant, "--as", "ada", "--from", str(path))
    assert ended.exit_code == 0, ended.output


def test_labels_correct_a_lenient_judge(floor: Any, command: Run, scores: Run, tmp_path: Path) -> None:
    # The judge passes nine of ten; people fail a third of those that it passes.
    names = [floor.row(f"s{number}") for number in range(200)]
    for number, name in enumerate(names):
        floor.score(name, good=number % 10 != 0)
    labels = [
        floor.label(name, good=number % 10 != 0 and number % 3 != 0, inclusion=0.5)
        for number, name in enumerate(names)
        if number % 2 == 1 or number % 20 == 0
    ]
    imported(command, floor, tmp_path, labels)
    (row,) = lines(scores("--json"))
    assert row["corrected"]
    assert row["grader_alone"] == pytest.approx(0.9)
    assert (row["labelled"], row["method"]) == (len(labels), "prediction_powered")
    assert row["lower"] < 0.6 < row["upper"] < 0.75
    assert row["note"] == ""
    assert "grader is right" not in scores().stdout


def test_labels_that_nobody_knows_how_they_were_drawn_correct_nothing(
    floor: Any, command: Run, scores: Run, tmp_path: Path
) -> None:
    names = [floor.row(f"s{number}") for number in range(30)]
    for name in names:
        floor.score(name, good=True)
    imported(command, floor, tmp_path, [floor.label(name, good=False) for name in names[:15]])
    (row,) = lines(scores("--json"))
    assert (row["corrected"], row["labelled"], row["labels_not_drawn"], row["mean"]) == (False, 15, 15, 1.0)


def test_labels_given_in_the_queue_correct_with_the_probabilities_of_the_draw(
    floor: Any, command: Run, label: Run, scores: Run, tmp_path: Path
) -> None:
    names = [floor.row(f"s{number}") for number in range(120)]
    for number, name in enumerate(names):
        floor.score(name, good=number >= 30)
        if number < 30:
            floor.score(name, grader="other@1", good=True)
    queue = lines(label("--json", "--limit", "40", "--until", format_utc(NOON + timedelta(hours=1))))
    # Another tool labels the first thirty, and gives no probabilities: the draw knows them.
    bad = {name for number, name in enumerate(names) if number < 30 or number >= 110}
    done = [floor.label(row["session_id"], good=row["session_id"] not in bad) for row in queue[:30]]
    imported(command, floor, tmp_path, done)
    row = next(row for row in lines(scores("--json")) if row["grader"] == "llm_judge@1")
    assert (row["corrected"], row["labelled"], row["labels_not_drawn"]) == (True, 30, 0)
    # 80 of 120 are good; labelled were disagreements above all, of which none is.
    assert row["lower"] < 80 / 120 < row["upper"]
    assert sum(one["passed"] for one in done) / 30 < 0.55
    assert row["never_drawn_for_labels"] == 0
    # Sessions that ended after the draw could not be drawn.
    floor.score("late", good=True, occurred_at=NOON + timedelta(hours=2))
    after = next(row for row in lines(scores("--json")) if row["grader"] == "llm_judge@1")
    assert after["never_drawn_for_labels"] == 1
    assert "1 of 121 scored sessions were in no draw" in after["note"]
