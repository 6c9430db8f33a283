"""Graders of answers, with near misses."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from watchkeeper.evals.grading.registry import build_grader
from watchkeeper.evals.grading.texts import common_in_order, contains_words, sequence_f1, token_f1, words_of
from watchkeeper.evals.interaction import Turn


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("Hello,  WORLD!", ["hello", "world"]),
        ("It's €1,200.50 (net).", ["it's", "1200.5", "net"]),
        ("12,5 %", ["12.5"]),
        ("1.200.000", ["1.200.000"]),
        ("1'200 and 3.0", ["1200", "and", "3"]),
        ("don\u2019t", ["don't"]),
        ("Straße \ufb01x", ["strasse", "fix"]),
        ("東京", ["東京"]),
        ("100", ["100"]),
        ("v2_final", ["v", "2", "final"]),
        ("...", []),
    ],
)
def test_words_have_one_spelling(text: str, words: list[str]) -> None:
    assert words_of(text) == words


@pytest.mark.parametrize(
    ("answer", "reference", "options", "good"),
    [
        ("Paris.", "paris", {}, True),
        ("It is 1,200 EUR", "it is 1200 eur", {}, True),
        ("Paris, France", "Paris", {}, False),
        ("3.10", "3.1", {}, True),
        ("3.01", "3.1", {}, False),
        ("", "Paris", {}, False),
        ("Paris.", "Paris", {"normalise": False}, False),
        (" Paris ", "Paris", {"normalise": False}, True),
    ],
)
def test_exact_match(
    interaction: Any, case: Any, answer: str, reference: str, options: dict[str, Any], good: bool
) -> None:
    grader = build_grader({"name": "exact_match", **options})
    asked = case(reference_answer=reference)
    assert grader.applies(interaction(answer), asked)
    assert grader.grade(interaction(answer), asked).passed is good


def test_answers_are_compared_only_where_there_is_a_reference(interaction: Any, case: Any) -> None:
    for name in ("exact_match", "fuzzy_match"):
        assert not build_grader(name).applies(interaction("Paris"), case())
        assert not build_grader(name).applies(interaction("Paris"), None)


@pytest.mark.parametrize(
    ("answer", "reference", "method", "value"),
    [
        ("the cat sat", "the cat sat", "token_f1", 1.0),
        ("sat cat the", "the cat sat", "token_f1", 1.0),
        ("sat cat the", "the cat sat", "sequence_f1", 1 / 3),
        ("the cat", "the cat sat", "token_f1", 0.8),
        ("the the the", "the cat sat", "token_f1", 1 / 3),
        ("a dog", "the cat sat", "token_f1", 0.0),
        ("", "the cat sat", "token_f1", 0.0),
    ],
)
def test_fuzzy_match(interaction: Any, case: Any, answer: str, reference: str, method: str, value: float) -> None:
    grade = build_grader({"name": "fuzzy_match", "method": method}).grade(
        interaction(answer), case(reference_answer=reference)
    )
    assert grade.value == pytest.approx(value)
    assert grade.passed is (value >= 0.7)


@pytest.mark.parametrize(
    ("options", "said", "good"),
    [
        ({"all_of": ["refund"]}, "Your REFUND is on its way.", True),
        ({"all_of": ["refund"]}, "It was refunded.", False),
        ({"all_of": ["refund", "5 days"]}, "The refund takes 5-days.", True),
        ({"all_of": ["refund", "5 days"]}, "The refund takes 5 working days.", False),
        ({"any_of": ["sorry", "apologise"]}, "We apologise.", True),
        ({"any_of": ["sorry", "apologise"]}, "Never mind.", False),
        ({"none_of": ["guarantee"]}, "I cannot promise.", True),
        ({"none_of": ["guarantee"]}, "I guarantee it.", False),
        ({"all_of": ["refund"], "none_of": ["never"]}, "A refund, never mind.", False),
        ({"all_of": ["refund"]}, "", False),
    ],
)
def test_contains(interaction: Any, options: dict[str, Any], said: str, good: bool) -> None:
    grade = build_grader({"name": "contains", **options}).grade(interaction(said), None)
    assert grade.passed is good
    assert bool(grade.reason) is not good


@pytest.mark.parametrize(
    ("options", "said", "good"),
    [
        ({"pattern": r"RMA-\d{6}"}, "Your number is RMA-123456.", True),
        ({"pattern": r"RMA-\d{6}"}, "Your number is RMA-12345.", False),
        ({"pattern": r"(?i)\bfree\b", "wanted": False}, "It is FREE.", False),
        ({"pattern": r"(?i)\bfree\b", "wanted": False}, "Freedom costs.", True),
    ],
)
def test_regex(interaction: Any, options: dict[str, Any], said: str, good: bool) -> None:
    assert build_grader({"name": "regex", **options}).grade(interaction(said), None).passed is good


def test_everything_the_agent_said_can_be_looked_at(interaction: Any) -> None:
    turns = (
        Turn(speaker="user", text="a refund?"),
        Turn(speaker="assistant", text="Yes, a credit."),
        Turn(speaker="assistant", text="Bye."),
    )
    said = interaction(turns=turns)
    assert build_grader("contains:all_of=[credit],where=session").grade(said, None).passed
    assert not build_grader("contains:all_of=[credit]").grade(said, None).passed
    assert not build_grader("contains:all_of=[refund],where=session").grade(said, None).passed


WORDS = st.lists(st.sampled_from("abcd"), max_size=30)


def _common(one: list[str], other: list[str]) -> int:
    """The textbook's table."""
    row = [0] * (len(other) + 1)
    for word in one:
        row = [0] + [max(row[at + 1], row[at] + 1 if word == other[at] else 0) for at in range(len(other))]
        for at in range(1, len(row)):
            row[at] = max(row[at], row[at - 1])
    return row[-1]


@settings(deadline=None)
@given(WORDS, WORDS)
def test_shares_are_shares_whichever_text_comes_first(one: list[str], other: list[str]) -> None:
    for share in (token_f1, sequence_f1):
        assert 0 <= share(one, other) <= 1
        assert share(one, other) == share(other, one)
        assert share(one, one) == 1
    assert token_f1(one, other) == token_f1(list(reversed(one)), sorted(other))
    assert sequence_f1(one, other) <= token_f1(one, other)
    assert common_in_order(one, other) == _common(one, other)


@settings(deadline=None)
@given(WORDS, st.integers(0, 29), st.integers(1, 5))
def test_a_part_is_contained(words: list[str], start: int, length: int) -> None:
    assert contains_words(words, words[start : start + length])
    assert not contains_words(words, [*words, "z"])
