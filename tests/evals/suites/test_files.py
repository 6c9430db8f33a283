"""Suites in their folders: what is written is what is read, and every mistake is told with its line and remedy."""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from watchkeeper.evals.interaction import ToolUse, Turn
from watchkeeper.evals.rubric import Criterion, Rubric
from watchkeeper.evals.suites.case import Case, ExpectedCall, Provenance
from watchkeeper.evals.suites.files import names_in, open_suite, read_suite, versions_in, write_suite
from watchkeeper.evals.suites.mistakes import SuiteError
from watchkeeper.evals.suites.suite import Drawn, Suite

NOW = datetime(2026, 3, 1, 12, 30, 15, 123456, tzinfo=UTC)


def case(number: int, **given: Any) -> Case:
    values: dict[str, Any] = {
        "case_id": f"refund-{number}",
        "intent": "refund",
        "messages": (Turn(speaker="system", text="Be brief."), Turn(speaker="user", text=f"Order {number}, please.")),
    }
    return Case(**(values | given))


def rubric(intent: str = "*", **given: Any) -> Rubric:
    return Rubric(intent=intent, criteria=(Criterion(name="correct", asks="Is it: right?", **given),))


def suite(**given: Any) -> Suite:
    values: dict[str, Any] = {
        "name": "refunds",
        "created": NOW,
        "agent": "refund-desk",
        "description": "What customers ask about refunds: no, yes, null and ä€.",
        "rubrics": (rubric(), rubric("refund", weight=2.5, must_pass=True)),
        "cases": tuple(case(number) for number in range(3)),
    }
    return Suite(**(values | given))


RICH = case(
    9,
    recorded=(
        Turn(
            speaker="assistant",
            text="Line\nbreaks\u2028and\x85all",
            reasoning="hm",
            tools=(ToolUse(call_id="c", name="find", arguments={"n": 10**30, "deep": {"a": [1.5, None, True]}}),),
            at=NOW,
        ),
    ),
    reference_answer='Done: "quoted"',
    reference_calls=(ExpectedCall(name="find", arguments={"n": 1}),),
    expects_escalation=False,
    documents={"d1": "Thirty days."},
    difficulty=0.25,
    labels={"reward": 1.0, "good": True, "why": "so"},
    consent="consented",
    provenance=Provenance(session_id="s", stratum="refund/good/easy", cluster=3, inclusion=0.125, drawn_at=NOW),
)
DRAWN = Drawn(
    tenant="acme",
    since=NOW,
    until=NOW,
    seed=7,
    size=3,
    sessions=900,
    read=300,
    left_out={"no_question": 4},
    alike=12,
    bands=(0.25, 0.5),
    shares={"refund/good/easy": 0.75, "refund/bad/hard": 0.25},
)


def test_what_is_written_is_what_is_read(tmp_path: Path) -> None:
    written = write_suite(suite(cases=(case(0), RICH), drawn=DRAWN), tmp_path / "refunds")
    assert read_suite(tmp_path / "refunds") == written
    assert written.state == "frozen"
    assert written.reference == "refunds@1"
    text = (tmp_path / "refunds" / "suite.yaml").read_text()
    assert "asks: 'Is it: right?'" in text
    assert len((tmp_path / "refunds" / "cases.jsonl").read_text().split("\n")) == 3


texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)


@settings(max_examples=30, deadline=None)
@given(texts, texts.filter(bool), st.dictionaries(texts, st.floats(allow_nan=False, allow_infinity=False), max_size=3))
def test_any_text_comes_back(said: str, asks: str, labels: dict[str, float]) -> None:
    made = suite(
        description=said,
        rubrics=(Rubric(criteria=(Criterion(name="a", asks=asks),)),),
        cases=(case(1, reference_answer=said, labels=labels),),
        version=1,
    )
    with tempfile.TemporaryDirectory() as folder:
        written = write_suite(made, Path(folder))
        assert read_suite(Path(folder)) == written


def test_versions_are_kept(tmp_path: Path) -> None:
    folder = tmp_path / "refunds"
    first = write_suite(suite(), folder)
    second = write_suite(suite(version=2, cases=(case(5),)), folder)
    assert versions_in(folder) == [1, 2]
    assert read_suite(folder) == open_suite("refunds", tmp_path) == open_suite("refunds@2", tmp_path) == second
    assert open_suite("refunds@1", tmp_path) == first
    assert open_suite(str(folder)) == second
    assert names_in(tmp_path) == ["refunds"]


def test_a_version_is_never_replaced_by_another(tmp_path: Path) -> None:
    write_suite(suite(), tmp_path)
    write_suite(suite(created=datetime.now(UTC)), tmp_path)
    with pytest.raises(SuiteError, match="a frozen version is never replaced"):
        write_suite(suite(cases=(case(5),)), tmp_path)


def test_the_order_of_cases_is_not_part_of_what_is_frozen() -> None:
    one = suite()
    assert (
        one.content_hash == suite(cases=tuple(reversed(one.cases)), rubrics=tuple(reversed(one.rubrics))).content_hash
    )
    assert one.content_hash != suite(cases=one.cases[:2]).content_hash
    assert one.model_copy(update={"cases": one.cases[:2]}).content_hash == suite(cases=one.cases[:2]).content_hash


def test_an_edited_working_copy_says_so(tmp_path: Path) -> None:
    write_suite(suite(), tmp_path / "refunds")
    path = tmp_path / "refunds" / "cases.jsonl"
    path.write_text(path.read_text().replace("Order 1", "Order 11"))
    edited = read_suite(tmp_path / "refunds")
    assert edited.state == "edited"
    assert edited.reference.startswith("refunds@1-edited-")
    assert read_suite(tmp_path / "refunds", 1).state == "frozen"


def test_an_edited_frozen_version_is_refused(tmp_path: Path) -> None:
    write_suite(suite(), tmp_path / "refunds")
    path = tmp_path / "refunds" / "versions" / "1" / "cases.jsonl"
    path.write_text(path.read_text().replace("Order 1", "Order 11"))
    with pytest.raises(SuiteError, match=r"is not what was frozen as version 1 .* restore it"):
        open_suite("refunds@1", tmp_path)


def test_a_suite_that_people_wrote_is_a_draft(tmp_path: Path) -> None:
    (tmp_path / "suite.yaml").write_text(
        'name: mine\ncreated: "2026-03-01T00:00:00Z"\nrubrics:\n- criteria:\n  - {name: right, asks: "Is it right?"}\n'
    )
    (tmp_path / "cases.jsonl").write_text(
        '{"case_id": "a", "messages": [{"speaker": "user", "text": "Where is it?"}]}\n\n'
    )
    mine = read_suite(tmp_path)
    assert (mine.state, len(mine.cases), mine.rubrics[0].intent) == ("draft", 1, "*")


def wrong_header(text: str) -> Callable[[Path], None]:
    return lambda folder: void((folder / "suite.yaml").write_text(text))


def wrong_line(number: int, change: Callable[[dict[str, Any]], object]) -> Callable[[Path], None]:
    def write(folder: Path) -> None:
        lines = (folder / "cases.jsonl").read_bytes().splitlines()
        document = orjson.loads(lines[number - 1])
        change(document)
        lines[number - 1] = orjson.dumps(document)
        (folder / "cases.jsonl").write_bytes(b"\n".join(lines))

    return write


def void(_: object) -> None:
    """Drops what is not asked for."""


GOOD = 'name: mine\ncreated: "2026-03-01T00:00:00Z"\n'
RUBRICS = 'rubrics:\n- criteria:\n  - name: right\n    asks: "Is it right?"\n'


@pytest.mark.parametrize(
    ("spoil", "told"),
    [
        (wrong_header(GOOD), r"suite.yaml:1: rubrics: missing; add `rubrics`"),
        (
            wrong_header(GOOD + RUBRICS + "    wieght: 3\n"),
            r"suite.yaml:7: rubrics\[0\].criteria\[0\].wieght: .*`weight`",
        ),
        (wrong_header(GOOD + RUBRICS + "    weight: -1\n"), r"suite.yaml:7: .*weight: -1 is out of range.*above 0"),
        (wrong_header(GOOD + RUBRICS + "    weight: much\n"), r":7: .*weight: the text 'much' stands where a number"),
        (wrong_header(GOOD + RUBRICS + "    dimension: mood\n"), r":7: .*'mood' is not known; write one of 'correct"),
        (wrong_header(GOOD + RUBRICS + "- " + RUBRICS[11:].strip()), r"two rubrics for the intent \*"),
        (wrong_header(GOOD + "rubrics: []\n"), r"suite.yaml:3: rubrics: is too short; give at least 1"),
        (wrong_header("name: a b\n" + GOOD[11:] + RUBRICS), r"suite.yaml:1: name: the text 'a b' does not fit"),
        (wrong_header("- x\n"), r"suite.yaml:1: is no mapping; begin with `name: `"),
        (wrong_header(""), r"suite.yaml:1: is no mapping"),
        (wrong_header("name: 'x\n"), r"suite.yaml:1: .*a quote is opened and never closed"),
        (wrong_header(GOOD + RUBRICS + "cases: []\n"), r"suite.yaml:7: cases: stand in cases.jsonl"),
        (wrong_header("name: mine\ncreated: 2026-03-01\n" + RUBRICS), r"suite.yaml:2: created: .*write it in quotes"),
        (wrong_line(2, lambda one: one.update(mesages=[])), r"cases.jsonl:2: mesages: .*did you mean `messages`"),
        (wrong_line(3, lambda one: one.pop("messages")), r"cases.jsonl:3: messages: missing; add `messages`"),
        (
            wrong_line(1, lambda one: one["messages"][1].update(speaker="person")),
            r"cases.jsonl:1: messages\[1\].speaker: the text 'person' is not known; write one of 'system', 'user'",
        ),
        (wrong_line(2, lambda one: one.update(case_id="refund-0")), r"cases.jsonl:2: .*refund-0 stands on line 1"),
        (wrong_line(2, lambda one: one.update(difficulty=2)), r"cases.jsonl:2: difficulty: 2.* of at most 1"),
        (lambda folder: void((folder / "cases.jsonl").write_text("{\n")), r"cases.jsonl:1: .*JSON"),
        (lambda folder: void((folder / "cases.jsonl").write_text("\n")), r"cases.jsonl:1: holds no case"),
        (lambda folder: void((folder / "cases.jsonl").write_bytes(b"\n\xff")), r"cases.jsonl:2: is not UTF-8"),
        (lambda folder: (folder / "cases.jsonl").unlink(), r"cases.jsonl: cannot be read .*a suite has suite.yaml and"),
    ],
)
def test_mistakes_are_told(tmp_path: Path, spoil: Callable[[Path], None], told: str) -> None:
    write_suite(suite(), tmp_path)
    spoil(tmp_path)
    with pytest.raises(SuiteError, match=told):
        read_suite(tmp_path)


def test_every_mistake_is_told_at_once(tmp_path: Path) -> None:
    write_suite(suite(), tmp_path)
    wrong_line(1, lambda one: one.update(intent=3))(tmp_path)
    wrong_line(3, lambda one: one.update(consent="maybe", labels=[]))(tmp_path)
    with pytest.raises(SuiteError) as told:
        read_suite(tmp_path)
    assert [problem.split(": ")[0].split(":")[-1] for problem in told.value.problems] == ["1", "3", "3"]


@pytest.mark.parametrize(
    ("reference", "told"),
    [
        ("nothing", r"there is no suite of this name \(there are: refunds\)"),
        ("refunds@7", r"there is no version 7 \(frozen are: 1\)"),
        ("./elsewhere", r"elsewhere/suite.yaml: cannot be read"),
    ],
)
def test_suites_that_are_not_there(tmp_path: Path, reference: str, told: str) -> None:
    write_suite(suite(), tmp_path / "refunds")
    with pytest.raises(SuiteError, match=told):
        open_suite(reference, tmp_path)


def test_rubrics_by_intent() -> None:
    one = suite()
    assert one.rubric_for("refund") == one.rubrics[1]
    assert one.rubric_for("else") == one.rubrics[0]
    assert suite(rubrics=(rubric("refund"),)).rubric_for("else") is None
