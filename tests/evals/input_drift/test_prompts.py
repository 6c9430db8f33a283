from __future__ import annotations

import random

import pytest

from watchkeeper.evals.input_drift.prompts import InputDriftError, compare_prompts, moved_terms
from watchkeeper.evals.input_drift.shares import difference_of_shares

OPENINGS = ("please help me with", "I need", "how do I get", "can you check", "what about", "tell me about")
THINGS = ("my refund", "the order", "an invoice", "the delivery", "my account", "a password reset", "the warranty")
ENDS = ("today", "from last week", "for my company", "again", "as soon as possible", "that I bought", "")


def prompts(count: int, seed: int, new: float = 0.0) -> list[str]:
    """Prompts of a support desk; a share of them is about a recall that nobody asked about before."""
    draw = random.Random(seed)
    found = []
    for _ in range(count):
        thing = "the battery recall" if draw.random() < new else draw.choice(THINGS)
        found.append(f"{draw.choice(OPENINGS)} {thing} {draw.choice(ENDS)} {draw.randrange(10**6)}")
    return found


def test_new_questions_are_told_with_their_terms() -> None:
    found = compare_prompts(prompts(500, 1), prompts(300, 2, new=0.3))
    assert found.is_alarm
    assert found.p < 1e-6
    assert 0.55 < found.auc < 0.75
    assert found.terms[0].term in {"battery recall", "the battery"}
    assert found.terms[0].low > 0.15
    assert found.terms[0].before == 0
    assert (found.reference, found.window) == (500, 300)


def test_equal_prompts_are_no_alarm_and_no_term_moved() -> None:
    """Twenty windows at a promise of one in a thousand; p is at most 0.05 in one of them on average."""
    reference = prompts(400, 1)
    found = [compare_prompts(reference, prompts(150, 100 + seed)) for seed in range(20)]
    assert not any(one.is_alarm for one in found)
    assert sum(one.p <= 0.05 for one in found) <= 6
    assert sum(bool(one.terms) for one in found) <= 4


def test_prompts_that_recur_word_for_word_are_not_learned_by_heart() -> None:
    draw = random.Random(3)
    few = [f"{opening} {thing}" for opening in OPENINGS for thing in THINGS]
    found = compare_prompts([draw.choice(few) for _ in range(300)], [draw.choice(few) for _ in range(300)])
    assert not found.is_alarm


def test_the_same_prompts_give_the_same_answer() -> None:
    arguments = prompts(100, 1), prompts(100, 2, new=0.2)
    assert compare_prompts(*arguments) == compare_prompts(*arguments)


def test_a_story_is_told_once() -> None:
    terms = moved_terms(prompts(500, 1), prompts(300, 2, new=0.3))
    assert sum("recall" in one.term or "battery" in one.term for one in terms) == 1


@pytest.mark.parametrize(
    ("reference", "window", "told"),
    [(["one prompt"] * 49, ["another"] * 100, "too few"), (["!"] * 100, ["?"] * 100, "differ too little")],
)
def test_what_cannot_be_compared_is_refused(reference: list[str], window: list[str], told: str) -> None:
    with pytest.raises(InputDriftError, match=told):
        compare_prompts(reference, window)


def test_prompts_without_words_are_refused() -> None:
    marks = [str(number) for number in range(10)]
    draw = random.Random(1)
    with pytest.raises(InputDriftError, match="no words"):
        compare_prompts([draw.choice(marks) for _ in range(100)], [draw.choice(marks) for _ in range(100)])


def test_differences_of_shares_lie_around_what_was_seen() -> None:
    low, high = difference_of_shares(48, 80, 56, 70, alpha=0.05)
    # Newcombe (1998), table II, example (a), method 10.
    assert (low, high) == pytest.approx((0.0524, 0.3339), abs=1e-4)
    assert difference_of_shares(0, 50, 0, 50, alpha=0.05)[0] < 0 < difference_of_shares(0, 50, 0, 50, alpha=0.05)[1]
