"""Suites made, compared, and refreshed with what live traffic has besides."""

from __future__ import annotations

from collections import Counter
from datetime import timedelta
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from watchkeeper.evals.interaction import Interaction
from watchkeeper.evals.rubric import Criterion, Rubric
from watchkeeper.evals.suites.candidates import Wanted, gather
from watchkeeper.evals.suites.casting import Casting
from watchkeeper.evals.suites.comparing import compare, distance, live_mix, mix_of, shifts
from watchkeeper.evals.suites.creating import NothingToDrawError, create
from watchkeeper.evals.suites.files import read_suite, write_suite
from watchkeeper.evals.suites.refreshing import Refreshed, refresh, request_of
from watchkeeper.evals.suites.suite import Suite
from watchkeeper.evals.suites.warnings_of import warnings_of


def wanted(made_up: ModuleType, **given: Any) -> Wanted:
    values: dict[str, Any] = {
        "tenant": "default",
        "agent": "desk",
        "since": made_up.BEGIN,
        "until": made_up.BEGIN + timedelta(days=30),
        "size": 40,
        "seed": 5,
    }
    return Wanted(**(values | given))


def made(made_up: ModuleType, sessions: list[Interaction], **given: Any) -> Suite:
    casting = Casting(drawn_at=made_up.BEGIN)
    return create("refunds", made_up.InMemory(sessions), wanted(made_up, **given), casting).refrozen()


def refreshed(made_up: ModuleType, suite: Suite, sessions: list[Interaction], **given: Any) -> Refreshed:
    casting = Casting(drawn_at=made_up.BEGIN + timedelta(days=40))
    options = {"next_version": suite.version + 1, "most": 10} | given
    return refresh(suite, made_up.InMemory(sessions), wanted(made_up), casting, **options)


def test_a_suite_says_how_it_was_drawn(made_up: ModuleType, tmp_path: Path) -> None:
    sessions = [*made_up.many(300), made_up.session(999, "x", retention_class="regulated")]
    suite = made(made_up, sessions)
    assert (len(suite.cases), suite.agent, suite.version) == (40, "desk", 1)
    assert suite.drawn is not None
    assert (suite.drawn.sessions, suite.drawn.read, suite.drawn.left_out) == (301, 301, {"regulated": 1})
    assert sum(1 / case.provenance.inclusion for case in suite.cases) == pytest.approx(300)
    assert {rubric.intent for rubric in suite.rubrics} == {"refund", "address", "complaint", "*"}
    assert {case.case_id.rsplit("-", 1)[0] for case in suite.cases} == {"refund", "address", "complaint"}
    assert made(made_up, sessions) == suite
    assert write_suite(suite, tmp_path) == suite
    assert read_suite(tmp_path) == suite


@pytest.mark.parametrize(
    ("sessions", "told"),
    [
        ([], r"no live session of agent desk of tenant default ended since 2026-03-01 00:00: look further back"),
        (
            [{"retention_class": "regulated"}, {"complete": False}],
            r"none of 2 .*1 with events.*; 1 under long retention",
        ),
    ],
)
def test_where_nothing_can_be_drawn_it_says_why(made_up: ModuleType, sessions: list[dict[str, Any]], told: str) -> None:
    with pytest.raises(NothingToDrawError, match=told):
        made(made_up, [made_up.session(number, "x", **given) for number, given in enumerate(sessions)])


def test_a_suite_compared_with_itself_and_with_another(made_up: ModuleType) -> None:
    old = made(made_up, made_up.many(200))
    assert compare(old, old).is_empty
    assert all(shift.before == shift.now for shift in compare(old, old).mix)
    first, second, *rest = old.cases
    strict = Rubric(
        intent="refund",
        bar=0.9,
        criteria=(Criterion(name="correctness", asks="Is it right?", weight=2.0, must_pass=True),),
    )
    mine = first.model_copy(update={"case_id": "mine"})
    other = second.model_copy(update={"reference_answer": "So.", "expects_escalation": True})
    new = old.model_copy(
        update={
            "cases": (mine, other, *rest),
            "rubrics": (*(one for one in old.rubrics if one.intent not in {"refund", "*"}), strict),
        }
    )
    found = compare(old, new)
    assert [case.case_id for case in found.added] == ["mine"]
    assert [case.case_id for case in found.removed] == [first.case_id]
    assert [(one.case_id, one.fields) for one in found.changed] == [
        (second.case_id, ("reference_answer", "expects_escalation"))
    ]
    told = [(one.intent, one.change) for one in found.rubrics]
    assert ("*", "rubric removed") in told
    assert ("refund", "bar: 0.7 -> 0.9") in told
    assert ("refund", "criterion correctness: weight 3 -> 2") in told
    assert ("refund", "criterion correctness: must_pass no -> yes") in told
    assert ("refund", "criterion tone removed") in told
    moved = first.model_copy(update={"provenance": first.provenance.model_copy(update={"cluster": 9})})
    assert compare(old, old.model_copy(update={"cases": (moved, second, *rest)})).is_empty


def test_shifts_of_the_mix() -> None:
    moved = shifts({"a": 0.5, "b": 0.5}, {"a": 0.2, "b": 0.5, "c": 0.3}, read=100)
    assert [(one.stratum, one.before, one.now, one.is_clear) for one in moved] == [
        ("a", 0.5, 0.2, True),
        ("c", 0.0, 0.3, True),
        ("b", 0.5, 0.5, False),
    ]
    assert distance(moved) == pytest.approx(0.3)
    assert distance(shifts({"a": 1.0}, {"b": 1.0})) == 1


def test_live_traffic_of_the_time_of_the_draw_is_what_was_drawn_from(made_up: ModuleType) -> None:
    sessions = made_up.many(400)
    suite = made(made_up, sessions)
    assert suite.drawn is not None
    pool = gather(made_up.InMemory(sessions), wanted(made_up))
    live = live_mix(pool.candidates, suite.drawn.bands)
    assert live == pytest.approx(suite.drawn.shares, abs=1e-5)
    assert not [one for one in shifts(suite.drawn.shares, live, read=400) if one.is_clear]
    assert sum(mix_of(suite.cases).values()) == pytest.approx(1)


def test_a_refresh_from_the_same_traffic_adds_nothing_when_all_is_there(made_up: ModuleType) -> None:
    sessions = made_up.many(30)
    suite = made(made_up, sessions, size=60)
    found = refreshed(made_up, suite, sessions)
    assert (found.is_changed, found.suite, found.covered, found.unseen) == (False, suite, 1.0, ())


def test_a_refresh_brings_what_is_new_and_keeps_the_rest(made_up: ModuleType, tmp_path: Path) -> None:
    suite = write_suite(made(made_up, made_up.many(200)), tmp_path)
    chance = made_up.Random(99)
    later = [
        *made_up.many(150),
        *(
            made_up.session(1000 + number, made_up.request(chance), intent="lost_card", outcomes={"csat": 5.0})
            for number in range(60)
        ),
    ]
    found = refreshed(made_up, suite, later, most=12)
    assert found.suite.version == 2
    assert found.suite.cases[: len(suite.cases)] == suite.cases
    assert len(found.added) == len(found.suite.cases) - len(suite.cases) == 12
    by_intent = Counter(case.intent for case in found.added)
    assert by_intent["lost_card"] >= 6
    assert found.new_rubrics == ("lost_card",)
    assert found.suite.rubrics[: len(suite.rubrics)] == suite.rubrics
    assert found.suite.drawn is not None
    assert suite.drawn is not None
    assert found.suite.drawn.bands == suite.drawn.bands
    assert 0 < found.covered < 1
    asked = [request_of(case) for case in found.suite.cases if case.intent == "lost_card"]
    assert len(set(asked)) == len(asked)
    again = write_suite(found.suite, tmp_path)
    assert read_suite(tmp_path) == again
    assert read_suite(tmp_path, 1) == suite
    assert refreshed(made_up, suite, later, most=12) == found


def test_a_refresh_freezes_what_was_edited(made_up: ModuleType) -> None:
    sessions = made_up.many(30)
    suite = made(made_up, sessions, size=60)
    first = suite.cases[0].model_copy(update={"reference_answer": "So."})
    edited = suite.model_copy(update={"cases": (first, *suite.cases[1:])})
    found = refreshed(made_up, edited, sessions)
    assert (found.is_changed, found.edited, found.added) == (True, True, ())
    assert found.suite.refrozen().reference == "refunds@2"
    assert found.suite.cases == edited.cases


def test_what_is_no_longer_seen_is_told(made_up: ModuleType) -> None:
    suite = made(made_up, made_up.many(200))
    found = refreshed(made_up, suite, [one for one in made_up.many(200) if one.intent != "complaint"])
    assert found.unseen
    assert all(name.startswith("complaint/") for name in found.unseen)


def test_what_was_masked_is_known_again(made_up: ModuleType) -> None:
    def masks(text: str, *, is_json: bool) -> str:
        del is_json
        return text.replace("ada lovelace of london town", "[name]")

    sessions = [made_up.session(1, "Send the parcel to ada lovelace of london town please")]
    casting = Casting(drawn_at=made_up.BEGIN, masks=masks)
    suite = create("x", made_up.InMemory(sessions), wanted(made_up), casting).refrozen()
    found = refresh(suite, made_up.InMemory(sessions), wanted(made_up), casting, next_version=2, most=5)
    assert not found.is_changed


def test_a_suite_warns_of_what_it_cannot_tell(made_up: ModuleType) -> None:
    suite = made(made_up, made_up.many(200))
    told = list(warnings_of(suite))
    assert any(line.startswith("40 cases tell a share only to within 15 points") for line in told)
    assert any("too few cases to judge an intent by itself" in line and "complaint" in line for line in told)
    bare = suite.model_copy(
        update={
            "cases": tuple(
                case.model_copy(update={"reference_calls": None, "reference_answer": ""}) for case in suite.cases
            ),
            "rubrics": tuple(one for one in suite.rubrics if one.intent == "refund"),
        }
    )
    told = list(warnings_of(bare))
    assert any("edited since version 1 was frozen" in line for line in told)
    assert any("no rubric is for the intent address" in line for line in told)
    assert any("the rubric for refund compares calls" in line for line in told)
    assert any("no case has a reference" in line for line in told)
    assert any("nobody froze it" in line for line in warnings_of(suite.model_copy(update={"frozen": ""})))
