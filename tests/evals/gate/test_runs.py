"""Whole runs: asked in parallel, retried, graded, kept, compared with an earlier one, and told."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

import pytest

from watchkeeper.evals.gate.answers import Answer, CandidateError, Identity
from watchkeeper.evals.gate.attempts import Attempt, Side
from watchkeeper.evals.gate.candidates import Question
from watchkeeper.evals.gate.comparison import Comparison, Named, compare, summary
from watchkeeper.evals.gate.decision import Settings
from watchkeeper.evals.gate.folder import RunFolder, regraded
from watchkeeper.evals.gate.junit import junit
from watchkeeper.evals.gate.markdown import markdown
from watchkeeper.evals.gate.measures import measures_of
from watchkeeper.evals.gate.running import Plan, run_sides
from watchkeeper.evals.suites.case import Case
from watchkeeper.schemas.errors import ConfigurationError

MakeCase = Callable[..., Case]
PLAN = Plan(run_id="run-1", suite="refunds@3", concurrency=4, backoff_s=0.001)


class Agent:
    """Answers as it is told to, by case; `fails` raises so often before it does."""

    timed = True

    def __init__(self, wrong: Sequence[str] = (), fails: dict[str, tuple[int, bool]] | None = None) -> None:
        self.wrong = set(wrong)
        self.fails = fails or {}
        self.asked: Counter[str] = Counter()
        self._lock = threading.Lock()

    def ask(self, question: Question) -> Answer:
        name = question.case.case_id
        with self._lock:
            self.asked[name] += 1
            times, transient = self.fails.get(name, (0, False))
            if self.asked[name] <= times:
                raise CandidateError("unavailable" if transient else "raised", f"no {name} today", transient=transient)
        text = "I do not know." if name in self.wrong else question.case.reference_answer
        return Answer(text=text, cost_usd=0.01 * (2 if self.wrong else 1), input_tokens=10, output_tokens=5)

    def close(self) -> None:
        pass


def ran(cases: Sequence[Case], graders: Sequence[Any], plan: Plan = PLAN, **sides: Any) -> dict[Side, list[Attempt]]:
    named: dict[Side, Any] = {side: sides[side] for side in ("baseline", "candidate") if side in sides}
    return run_sides(named, cases, graders, plan, whose={side: Identity(agent_id="desk") for side in named})


def compared(attempts: dict[Side, list[Attempt]], settings: Settings | None = None) -> Comparison:
    named = Named("run-1", "refunds@3", "shop.agent:answer", "recorded")
    return compare(named, attempts["baseline"], attempts["candidate"], settings or Settings(), bar=lambda _: 0.5)


@pytest.fixture
def cases(case: MakeCase) -> list[Case]:
    return [case(number, intent="refund" if number % 3 else "order") for number in range(60)]


def names(count: int, start: int = 0) -> list[str]:
    return [f"case-{number}" for number in range(start, start + count)]


def test_every_case_is_asked_of_both_sides_so_often_as_planned(cases: list[Case], matches: Any) -> None:
    ours, theirs = Agent(), Agent()
    seen: list[tuple[Side, str]] = []
    plan = Plan(run_id="run-1", suite="s@1", repeats=3, concurrency=8)
    found = run_sides(
        {"baseline": theirs, "candidate": ours},
        cases,
        [matches],
        plan,
        whose={"baseline": Identity(), "candidate": Identity()},
        done=lambda side, attempt: seen.append((side, attempt.case_id)),
    )
    assert set(ours.asked.values()) == set(theirs.asked.values()) == {3}
    assert len(seen) == 360
    assert [one.case_id for one in found["candidate"][:4]] == ["case-0"] * 3 + ["case-1"]
    assert [one.repeat for one in found["candidate"][:3]] == [0, 1, 2]
    # In turns: neither side is asked everything before the other.
    assert 60 < sum(side == "baseline" for side, _ in seen[:180]) < 120
    ids = {one.interaction.interaction_id for side in found.values() for one in side if one.interaction}
    assert len(ids) == 360
    scores = {score.score_id for side in found.values() for one in side for score in one.scores}
    assert len(scores) == 360


def test_what_passes_by_itself_is_tried_again_and_nothing_else(case: MakeCase, matches: Any) -> None:
    agent = Agent(fails={"case-1": (2, True), "case-2": (9, True), "case-3": (1, False)})
    found = ran([case(n) for n in range(4)], [matches], candidate=agent)["candidate"]
    assert [one.tries for one in found] == [1, 3, 3, 1]
    assert [one.trouble.kind if one.trouble else None for one in found] == [None, None, "unavailable", "raised"]
    assert found[2].scores == ()


def test_graders_that_cannot_run_together_end_the_run(cases: list[Case], matches: Any) -> None:
    with pytest.raises(ConfigurationError, match="asked for twice"):
        ran(cases, [matches, matches], candidate=Agent())


def test_a_candidate_that_crashes_on_many_cases_does_not_pass(cases: list[Case], matches: Any) -> None:
    crashing = Agent(fails=dict.fromkeys(names(20), (99, False)))
    found = compared(ran(cases, [matches], baseline=Agent(), candidate=crashing))
    assert found.decision.outcome == "fall"
    assert found.troubles["candidate"] == {"raised": 20}
    assert found.regressions[0].candidate is None
    assert found.regressions[0].reason == "no case-0 today"


def test_a_fall_names_cases_intents_and_costs(cases: list[Case], matches: Any, brevity: Any) -> None:
    wrong = [f"case-{number}" for number in range(0, 60, 3)]
    found = compared(ran(cases, [matches, brevity], baseline=Agent(), candidate=Agent(wrong)))
    assert found.decision.outcome == "fall"
    fallen = {(one.measure.name, one.measure.scope, one.measure.intent) for one in found.decision.judged if one.fell}
    assert ("matches", "intent", "order") in fallen
    assert ("matches", "intent", "refund") not in fallen
    first = next(one for one in found.regressions if one.grader == "matches")
    assert first.reason == "It says 'I do not know.'."
    (cost,) = [change for change in found.changes if change.name == "cost"]
    assert cost.ratio == pytest.approx(2.0)
    document = summary(found)
    assert document["outcome"] == "fall"
    assert len([one for one in document["regressions"] if one["grader"] == "matches"]) == 20


def test_one_case_that_goes_wrong_by_chance_is_no_fall(cases: list[Case], matches: Any) -> None:
    found = compared(ran(cases, [matches], baseline=Agent(names(2, 30)), candidate=Agent(names(3))))
    assert found.decision.outcome == "pass"
    assert (len(found.regressions), found.improved) == (3, 2)


def test_what_a_grader_could_not_say_is_no_low_score(cases: list[Case]) -> None:
    class Moody:
        name, version = "moody", "1"

        def applies(self, *_: Any) -> bool:
            return True

        def grade(self, interaction: Any, _: Any) -> Any:
            if interaction.answer == "I do not know.":
                raise RuntimeError("the judge is away")
            return __import__("watchkeeper.evals.grading.grade", fromlist=["passed"]).passed(good=True)

    found = compared(ran(cases, [Moody()], baseline=Agent(), candidate=Agent(names(10))))
    assert found.decision.outcome == "undecided"
    assert "10 of 60 cases (failures)" in found.decision.reasons[0]
    assert not found.regressions


def test_an_earlier_run_is_a_baseline(tmp_path: Path, cases: list[Case], matches: Any, brevity: Any) -> None:
    folder = RunFolder(tmp_path / "main")
    folder.begin({"run_id": "run-1"})
    for attempt in ran(cases, [matches], candidate=Agent(names(4)))["candidate"]:
        folder.keep("candidate", attempt)
    folder.end({"outcome": None}, {})
    earlier = RunFolder(tmp_path / "main").attempts()
    changed = [cases[0].model_copy(update={"reference_answer": "Another"}), *cases[1:]]
    kept = regraded(earlier, changed, [matches, brevity], run_id="run-2", suite="refunds@4")
    assert kept[0].trouble is not None
    assert kept[0].trouble.kind == "changed"
    assert [score.grader for score in kept[1].scores] == ["matches@1", "brevity@1"]
    # What was graded is kept as it was; what is new is graded now.
    assert [score.run_id for score in kept[1].scores] == ["run-1/candidate", "run-2"]
    with pytest.raises(ConfigurationError, match="is not empty"):
        folder.begin({"run_id": "run-2"})
    with pytest.raises(ConfigurationError, match="holds no run"):
        RunFolder(tmp_path).attempts()
    (tmp_path / "main" / "candidate.jsonl").write_text("{}\n")
    with pytest.raises(ConfigurationError, match=r"candidate.jsonl:1: no attempt of a run \(case_id"):
        RunFolder(tmp_path / "main").attempts()


def test_sides_graded_in_different_versions_are_not_compared(cases: list[Case], matches: Any) -> None:
    ours = ran(cases, [matches], candidate=Agent())["candidate"]
    matches.version = "2"
    theirs = ran(cases, [matches], candidate=Agent())["candidate"]
    with pytest.raises(ConfigurationError, match=r"matches graded the two sides in different versions \(matches@2 and"):
        measures_of(theirs, ours)
    with pytest.raises(ConfigurationError, match="no case in common"):
        measures_of(ours[:5], ours[10:])


def test_the_summary_says_the_answer_first_then_what_got_worse(cases: list[Case], matches: Any) -> None:
    found = compared(ran(cases, [matches], baseline=Agent(), candidate=Agent(names(25))))
    text = markdown(found)
    assert text.startswith("## ❌ Blocked: worse than the baseline: suite refunds@\u200b3\n")
    assert text.index("Cases that got worse (25)") < text.index("### By intent") < text.index("### Cost and latency")
    assert "5 more stand in `summary.json`" in text
    assert "| `case-0` | order | matches | 1.00 | 0.00 |" in text
    tables = [line for line in text.splitlines() if line.startswith("|")]
    assert all(line.replace("\\|", "").count("|") in {6, 8, 9} for line in tables)


def test_what_an_agent_says_cannot_break_out_of_the_summary(case: MakeCase, matches: Any) -> None:
    class Rude(Agent):
        def ask(self, question: Question) -> Answer:
            return Answer(text="</td>|x|\n## Passed [click](http://evil) <img src=x> @everyone \x00\x1b")

    cases = [case(number) for number in range(30)]
    attempts = ran(cases, [matches], baseline=Agent(), candidate=Rude())
    found = compared(attempts)
    text = markdown(found)
    assert "\n## Passed" not in text
    assert "<img" not in text.replace("\\<img", "")
    assert "@everyone" not in text
    ET.fromstring(junit(found, attempts["candidate"]))


def test_the_junit_file_has_a_test_case_for_each_case_and_one_for_the_gate(cases: list[Case], matches: Any) -> None:
    bad = Agent(names(9), fails={"case-20": (99, False)})
    attempts = ran(cases, [matches], baseline=Agent(), candidate=bad)
    found = compared(attempts)
    root = ET.fromstring(junit(found, attempts["candidate"]))
    assert_is_junit(root)
    gate, suite = root.findall("testsuite")
    (decided,) = gate.findall("testcase")
    assert decided.find("failure") is not None
    assert "matches fell" in (decided.find("failure").get("message") or "")  # type: ignore[union-attr] # asserted above
    assert (suite.get("tests"), suite.get("failures"), suite.get("errors")) == ("60", "9", "1")
    passing = compared(ran(cases, [matches], baseline=Agent(), candidate=Agent()))
    assert ET.fromstring(junit(passing, attempts["candidate"])).find(".//failure") is None


def assert_is_junit(root: ET.Element) -> None:
    """What build servers' schemas ask for (Jenkins' junit-10): elements, attributes, numbers that add up."""
    allowed = {
        "testsuites": ({"testsuite"}, {"name", "time", "tests", "failures", "errors"}, set()),
        "testsuite": (
            {"testcase", "properties", "system-out", "system-err"},
            {"name", "tests", "failures", "errors", "time", "skipped", "timestamp"},
            {"name", "tests", "failures", "errors"},
        ),
        "testcase": ({"skipped", "error", "failure", "system-out"}, {"name", "time", "classname"}, {"name"}),
        "failure": (set(), {"type", "message"}, set()),
        "error": (set(), {"type", "message"}, set()),
        "system-out": (set(), set(), set()),
    }
    assert root.tag == "testsuites"
    for element in root.iter():
        children, known, needed = allowed[element.tag]
        assert {child.tag for child in element} <= children
        assert needed <= set(element.attrib) <= known
    for suite in root.findall("testsuite"):
        found = suite.findall("testcase")
        assert suite.get("tests") == str(len(found))
        assert suite.get("failures") == str(sum(one.find("failure") is not None for one in found))
        assert suite.get("errors") == str(sum(one.find("error") is not None for one in found))
    for count in ("tests", "failures", "errors"):
        assert root.get(count) == str(sum(int(suite.get(count, "")) for suite in root.findall("testsuite")))
