"""Two sessions compared, each way round."""

from __future__ import annotations

import json
from collections.abc import Callable

import pytest
from contract_judge import Body, Desk, a_rubric, a_session, blocks, completion, says
from starlette.responses import JSONResponse, Response

from watchkeeper.evals.judging.asking import Asker
from watchkeeper.evals.judging.errors import JudgeAnswerError
from watchkeeper.evals.judging.pairwise import compare

Make = Callable[..., Asker]


def longer_is_better(body: Body) -> Response:
    found = blocks(body["messages"][1]["content"])
    first, second = (len(json.dumps(found[name])) for name in ("first", "second"))
    better = "first" if first > second else "second" if second > first else "neither"
    return JSONResponse(completion(json.dumps({"reason": "longer", "better": better})))


def test_a_judge_that_looks_at_sessions_says_the_same_each_way_round(desk: Desk, asker: Make) -> None:
    desk.will(longer_is_better)
    found = compare(asker(), a_rubric(), a_session("Done, and here is all about it."), a_session("Done."))
    assert (found.better, found.as_given, found.turned) == ("one", "first", "second")
    assert found.consistent
    assert found.by_place is None
    assert found.cost_usd == pytest.approx(0.004)
    turned = compare(asker(), a_rubric(), a_session("Done."), a_session("Done, and here is all about it."))
    assert turned.better == "other"
    same = compare(asker(), a_rubric(), a_session(), a_session())
    assert (same.better, same.consistent, same.by_place) == ("neither", True, None)


def test_a_judge_that_looks_at_places_prefers_nothing(desk: Desk, asker: Make) -> None:
    desk.will(says('{"reason": "", "better": "first"}'))
    found = compare(asker(), a_rubric(), a_session("a"), a_session("b"))
    assert (found.better, found.consistent, found.by_place) == ("neither", False, "first")


def test_one_way_round_alone_is_no_comparison(desk: Desk, asker: Make) -> None:
    desk.will(says('{"reason": "", "better": "first"}'), says('{"better": "both"}'))
    with pytest.raises(JudgeAnswerError, match="is none of first, second, neither"):
        compare(asker(), a_rubric(), a_session("a"), a_session("b"))
