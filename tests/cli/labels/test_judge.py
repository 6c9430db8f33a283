"""Judges judged: stored scores and a judge's file against people's labels."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import orjson
import pytest
from contract_judge import Body, Desk, blocks, completion, desk_open
from starlette.responses import JSONResponse, Response

from watchkeeper.cli.exit_codes import ExitCode

Run = Callable[..., Any]

RUBRIC = "criteria:\n- {name: correct, asks: 'Is it on its way?', must_pass: true}\n- {name: tone, asks: 'Friendly?'}\n"


@pytest.fixture(scope="module")
def desk() -> Iterator[Desk]:
    with desk_open() as found:
        yield found


@pytest.fixture
def judge(command: Run, floor: Any, tmp_path: Path) -> Run:
    def invoke(*args: str) -> Any:
        return command("evals", "judge", "--tenant", floor.tenant, "--home", str(tmp_path / "home"), *args)

    return invoke


def labels_of(floor: Any, path: Path, said: dict[str, bool], **more: Any) -> Path:
    path.write_bytes(b"\n".join(orjson.dumps(floor.label(name, good=good, **more)) for name, good in said.items()))
    return path


def document(ended: Any) -> Any:
    assert ended.exit_code == 0, ended.output
    return orjson.loads(ended.stdout)


def test_a_stored_judge_against_a_file_of_labels(floor: Any, judge: Run, tmp_path: Path) -> None:
    names = [f"s{number}" for number in range(40)]
    for number, name in enumerate(names):
        floor.score(name, good=number >= 8)
    floor.score("broken", result_type="failure", value=None, passed=None, reason="it did not answer")
    said = {name: number >= 10 for number, name in enumerate(names)} | {"broken": True, "unscored": True}
    path = labels_of(floor, tmp_path / "labels.jsonl", said)
    found = document(judge("--judge", "llm_judge", "--labels", str(path), "--json"))
    (whole,) = found["agreed"]
    assert (whole["about"], whole["labels"], whole["table"]) == ("passed", 40, [[8, 0], [2, 30]])
    assert whole["low"] < whole["kappa"] < whole["high"]
    assert (found["grader"], found["failures"], found["unjudged"]) == ("llm_judge@1", 1, 1)
    biases = {one["kind"]: one for one in found["biases"]}
    assert biases["leniency"]["value"] == pytest.approx(0.05)
    assert biases["verbosity"]["value"] is None
    assert found["labels_for_kappa"] > 40
    # Labels without a known probability correct no mean.
    assert found["corrected"] is None
    page = judge("--judge", "llm_judge", "--labels", str(path))
    assert "both pass 30, both fail 8; the judge alone passes 2, people alone 0" in page.stdout
    assert "left out: 1 that it failed to judge, 1 without a score" in page.stdout


def test_labels_of_the_store_and_a_bar_for_kappa(floor: Any, command: Run, judge: Run, tmp_path: Path) -> None:
    names = [floor.row(f"s{number}") for number in range(30)]
    for number, name in enumerate(names):
        floor.score(name, good=number >= 10)
    path = labels_of(
        floor, tmp_path / "l.jsonl", {name: number >= 10 for number, name in enumerate(names)}, inclusion=1
    )
    command("evals", "label", "--tenant", floor.tenant, "--from", str(path), "--as", "ada")
    found = document(judge("--judge", "llm_judge", "--min-kappa", "0.6", "--json"))
    assert found["enough"]
    assert found["corrected"]["labelled"] == 30
    low = judge("--judge", "llm_judge", "--min-kappa", "0.99")
    assert low.exit_code == ExitCode.FAILED
    assert "kappa may be below 0.99" in low.stdout


def by_answer(body: Body) -> Response:
    """A judge that passes what says that it is on its way, and prefers the longer one of two."""
    found = blocks(body["messages"][1]["content"])
    if "session" in found:
        good = "way" in json.dumps(found["session"]["turns"])
        said = {"reason": "Read it.", "finding": "met" if good else "not_met"}
        return JSONResponse(completion(json.dumps({"correct": said, "tone": {**said, "finding": "partly_met"}})))
    longer = len(json.dumps(found["first"])) >= len(json.dumps(found["second"]))
    return JSONResponse(completion(json.dumps({"reason": "", "better": "first" if longer else "second"})))


def test_a_judges_file_is_asked_about_labelled_sessions_once(
    floor: Any, judge: Run, desk: Desk, tmp_path: Path
) -> None:
    said = {floor.session(f"s{n}", said="On its way." if n % 3 else "No idea." + "!" * n): n % 3 > 0 for n in range(12)}
    labels = labels_of(floor, tmp_path / "labels.jsonl", said, criteria={"correct": 1.0, "tone": 0.5})
    (tmp_path / "rubric.yaml").write_text(RUBRIC)
    file = tmp_path / "judge.yaml"
    prices = "input_usd_per_million: 1\noutput_usd_per_million: 10"
    file.write_text(f'model: gpt-test\nbase_url: {desk.url}\nkey_variable: ""\n{prices}\n')
    desk.will(by_answer)
    about = ("--judge", str(file), "--labels", str(labels), "--rubric", str(tmp_path / "rubric.yaml"))
    found = document(judge(*about, "--pairs", "10", "--json"))
    whole = next(one for one in found["agreed"] if one["about"] == "passed")
    assert (whole["kappa"], whole["table"]) == (1.0, [[4, 0], [0, 8]])
    assert {one["about"] for one in found["agreed"]} == {"passed", "correct", "tone"}
    position = next(one for one in found["biases"] if one["kind"] == "position")
    assert position["sessions"] == 10
    assert found["cost_usd"] == pytest.approx(len(desk.asked) * 0.002)
    asked = len(desk.asked)
    again = document(judge(*about, "--pairs", "10", "--json"))
    assert (len(desk.asked), again["cost_usd"]) == (asked, 0)
    capped = document(judge(*about, "--cap", "0", "--json"))
    # All of it is kept: a cap of nothing is enough.
    assert capped["labels"] == 12
    assert "judging cost $0" in judge(*about).stdout


@pytest.mark.parametrize(
    ("args", "code", "match"),
    [
        (("--judge", "nobody"), ExitCode.NOT_FOUND, "nobody has labelled a session"),
        (("--judge", "none.yaml", "--labels", "LABELS"), ExitCode.CONFIGURATION, "name a judge's YAML file"),
        (("--judge", "nobody", "--labels", "LABELS"), ExitCode.NOT_FOUND, "no scores of a grader nobody"),
        (("--judge", "llm_judge", "--labels", "LABELS"), ExitCode.CONFIGURATION, "scored none of the 1 labelled"),
        (("--judge", "llm_judge", "--labels", "nowhere"), ExitCode.CONFIGURATION, "name a file of labels"),
    ],
)
def test_what_is_missing_is_named(
    floor: Any, judge: Run, tmp_path: Path, args: tuple[str, ...], code: ExitCode, match: str
) -> None:
    floor.score("another")
    labels = labels_of(floor, tmp_path / "labels.jsonl", {"s": True})
    ended = judge(*(str(labels) if one == "LABELS" else one for one in args))
    assert ended.exit_code == code
    assert match in ended.output
