"""Claims and what supports them, over whole sessions."""

from __future__ import annotations

from typing import Any

import pytest

from watchkeeper.evals.grading.groundedness import Groundedness, Sources
from watchkeeper.evals.interaction import Document, ToolUse, Turn

POLICY = (
    "Orders may be returned within 30 days of delivery. A restocking fee of 15 percent applies to opened goods. "
    "Refunds of more than $1,200 are approved by Maria Keller. Written requests go to the office in Lisbon."
)
DOCUMENTS = (Document(document_id="d1", text=POLICY),)
ASKED = "I bought a tent for $480 on May 2, 2026 and opened it. What do I get back?"


@pytest.mark.parametrize(
    ("answer", "claims"),
    [
        ("The fee is 15 percent.", (1, 0)),
        ("The fee is 25 percent.", (1, 1)),
        # 15 % of the 480 that the user named.
        ("The restocking fee of 15 percent is $72, so you get $408 back.", (3, 0)),
        ("You get $418 back within 30 days.", (2, 1)),
        ("You bought it on 2 May 2026.", (1, 0)),
        ("You bought it on 3 June 2026.", (1, 1)),
        ("Please write to our colleague Maria Keller.", (1, 0)),
        ("Please write to our colleague Otto Brandt.", (1, 1)),
        ('It says: "A restocking fee of 15 percent applies to opened goods."', (1, 0)),
        ('It says: "A restocking fee is never taken from loyal customers of ours."', (1, 1)),
    ],
)
def test_claims_stand_in_documents_or_in_what_was_asked(interaction: Any, answer: str, claims: tuple[int, int]) -> None:
    seen = interaction(answer, asked=ASKED, documents=DOCUMENTS)
    assert Groundedness().claims(seen) == claims
    grade = Groundedness().grade(seen, None)
    assert grade.value == pytest.approx(1 - claims[1] / claims[0])
    assert grade.passed is (claims[1] == 0)


def test_what_comes_after_an_answer_does_not_support_it(interaction: Any) -> None:
    looked = ToolUse(name="get_order", arguments={}, result='{"total": 731.40, "carrier": "Hermes"}')
    said = Turn(speaker="assistant", text="Your order was $731.40.")
    before = interaction(turns=(Turn(speaker="assistant", tools=(looked,)), said))
    after = interaction(turns=(said, Turn(speaker="assistant", tools=(looked,))))
    assert Groundedness().grade(before, None).value == 1
    assert Groundedness().grade(after, None).value == 0


def test_documents_of_the_case_count(interaction: Any, case: Any) -> None:
    asked = case(documents={"policy": POLICY})
    seen = interaction("The fee is 15 percent.")
    assert not Groundedness().applies(seen, None)
    assert Groundedness().applies(seen, asked)
    assert Groundedness().grade(seen, asked).value == 1
    assert Groundedness(require_sources=False).grade(seen, None).value == 0


def test_what_claims_nothing_has_no_grade(interaction: Any) -> None:
    assert not Groundedness().applies(interaction("Thank you for waiting.", documents=DOCUMENTS), None)


def test_the_last_words_can_be_judged_alone(interaction: Any) -> None:
    turns = (
        Turn(speaker="assistant", text="The fee is 25 percent."),
        Turn(speaker="assistant", text="The fee is 15 percent."),
    )
    seen = interaction(turns=turns, documents=DOCUMENTS)
    assert Groundedness().grade(seen, None).value == 0.5
    assert Groundedness(where="answer").grade(seen, None).value == 1


def test_what_was_lost_may_have_been_the_source(interaction: Any) -> None:
    lost = (ToolUse(name="get_order", arguments={}),)
    assert (
        Groundedness().grade(interaction("It is 25 percent.", lost, documents=DOCUMENTS), None).result_type == "failure"
    )
    assert Groundedness().grade(interaction("It is 15 percent.", lost, documents=DOCUMENTS), None).value == 1
    gap = interaction("It is 25 percent.", documents=DOCUMENTS, complete=False)
    assert Groundedness().grade(gap, None).result_type == "failure"


def test_long_sources_stay_exact() -> None:
    sources = Sources()
    sources.take(
        " ".join(f"Item {word} costs {1000 + 7 * word} dollars and weighs {word}.5 kilos." for word in range(600))
    )
    assert len(sources.pages) > 20
    supported = sum(sources.judge(f"It costs ${1000 + 7 * word}.", 739_000)[1] == 0 for word in range(0, 600, 20))
    assert supported == 30
    # 16 bits for each of some 1,800 numbers, beside 8,192 bits in all in the detector: what is made up is told.
    made_up = sum(sources.judge(f"It costs ${1000003 + 77 * word}.", 739_000)[1] for word in range(30))
    assert made_up >= 26


def test_quotations_over_the_seam_of_two_pages_are_found() -> None:
    words = [f"word{chr(97 + at % 26)}{chr(97 + at // 26 % 26)}{chr(97 + at // 676)}" for at in range(2000)]
    sources = Sources()
    sources.take(" ".join(words))
    wrong = [
        start
        for start in range(0, 1900, 13)
        if sources.judge(f'It says "{" ".join(words[start : start + 12])}" there.', 739_000) != (1, 0)
    ]
    assert wrong == []
