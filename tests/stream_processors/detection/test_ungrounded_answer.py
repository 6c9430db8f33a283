from __future__ import annotations

from datetime import date
from typing import Any

import pytest
from hypothesis import given as every
from hypothesis import strategies as st

from watchkeeper.schemas.policy import AgentPolicy
from watchkeeper.stream_processors.detection.abstention import declines, says_nothing
from watchkeeper.stream_processors.detection.calendar_days import days_in
from watchkeeper.stream_processors.detection.claims import judge_claims
from watchkeeper.stream_processors.detection.figures import figures_in
from watchkeeper.stream_processors.detection.known_text import Known, add, asker_of, hashed, is_full, take_in
from watchkeeper.stream_processors.detection.sequences.lookups import answer, look_up, show
from watchkeeper.stream_processors.detection.session_rules.ungrounded_answer import UngroundedAnswer

TODAY = date(2026, 1, 1).toordinal()
RULES = (
    "Goods may be returned within 30 days. The fee is 15 percent. Sums above $1,234.50 are approved by Maria Keller "
    "on 2026-05-16. A tent costs 480 and a stove 62. It takes forty-five minutes from New York (JFK)."
)


def unsupported(text: str, *sources: str) -> list[tuple[str, str]]:
    known = Known()
    for source in sources or (RULES,):
        take_in(known, source)
    judged = judge_claims(text, known, TODAY)
    assert len(judged.unsupported) <= judged.checked
    return [(one.claim, text[one.start : one.start + one.length]) for one in judged.unsupported]


@pytest.mark.parametrize(
    "text",
    [
        "You have 30 days.",
        "You have thirty days.",
        "You have 720 hours.",
        "The fee is 15%, or 15 per cent.",
        "Above $1,234.50 or 1234.5 USD or 1.234,50 € or about $1,230 or 1.2k it needs approval.",
        "Together they cost 542; the difference is 418; two tents are $960.",
        "The fee on 480 is $72, which leaves $408.",
        "It takes 45 minutes, or 0.75 hours.",
        "It was approved on May 16, 2026, on 16 May, on 16.05.2026, on 5/16/26 and on the 16th of May 2026.",
        "It is valid until June 15, 2026.",
        "It is 2026, and in 2025 it was the same.",
        "There are 3 options, and step 7 has 12 parts.",
        "1. One\n2. Two\n17) Seventeen",
        "See https://example.com/a/9917 or write to help7713@example.com.",
        "Ask Maria Keller, or Keller's office.",
        "They say “Goods may be returned within 30 days”.",
        "They say 'whatever they like to say at any time of day'.",
        "For example, 19104 would do.",
        "Next Steps:\n- **Return Label**: print it.",
        "The flight is from New York (JFK).",
        "Flying from Neverland (JFK) takes long.",
        "Our desk is open 24/7 until 18:30.",
        "Your card ending in 9917 was charged.",
        "For both: (480 - 62) * 3 = 1254.",
    ],
)
def test_what_follows_from_the_sources_is_supported(text: str) -> None:
    assert unsupported(text) == []


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("You have 37 days.", [("number", "37 days")]),
        ("The fee is 23%.", [("number", "23%")]),
        ("The fee is $7.", [("number", "$7")]),
        ("Above $2,817.35 it needs approval.", [("number", "$2,817.35")]),
        ("It was approved on October 9, 2026.", [("date", "October 9, 2026")]),
        ("It was approved on 2027-10-09.", [("date", "2027-10-09")]),
        ("You should ask Helena Brandt for it.", [("name", "Helena Brandt")]),
        ("You should ask Dr. Helena Brandt for it.", [("name", "Helena Brandt")]),
        ("It is made by somebody called Zwicker, they say.", [("name", "Zwicker")]),
        (
            'They say "Nobody who complains in writing is ever paid a cent".',
            [("quotation", "Nobody who complains in writing is ever paid a cent")],
        ),
        ("In 1987 it was different.", [("number", "1987")]),
        ("A parcel of 8123 and of 977 pieces.", [("number", "8123"), ("number", "977")]),
    ],
)
def test_what_stands_nowhere_is_told_by_its_span(text: str, found: list[tuple[str, str]]) -> None:
    assert unsupported(text) == found


def test_a_text_that_capitalises_nouns_has_no_names() -> None:
    text = "Der Kunde kann die Ware dem Laden Holzmann Möbel mit einem Brief an das Büro Nord zurück geben."
    assert unsupported(text) == []


def test_a_list_adds_up() -> None:
    assert unsupported("A is 480, B is 62, C is 15 and D is 30: 587 in all.") == []


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("There's nothing in the handbook about visitors.", True),
        ("There's a garage with 80 places.", False),
        ("I don't know.", True),
        ("I'm sorry, but I couldn\u2019t find that in the handbook.", True),
        ("Unfortunately there is no information on this in our documents.", True),
        ("The documents do not mention insurance.", True),
        ("This is outside of my scope.", True),
        ("Dazu habe ich leider keine Angaben gefunden.", True),
        ("Das weiß ich nicht. Ich kann es nicht sagen.", True),
        ("Je n'ai trouvé aucune information.", True),
        ("No encontré información sobre esto.", True),
        ("You can return it within 30 days.", False),
        ("Do not open the box before you return it.", False),
        ("I know that one: it is free.", False),
        ("The answer is no.", False),
        ("The fee is not refunded.", False),
        ("Die Rückgabe ist nicht möglich.", False),
    ],
)
def test_who_declines(text: str, expected: bool) -> None:
    assert declines(text) is expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", True),
        ("You're welcome!", True),
        ("Hello! How can I help you today?", True),
        ("Could you tell me your order number?", True),
        ("Sure. Which order do you mean?", True),
        ("Please provide your order number.", True),
        ("It is insured against hail.", False),
        ("It is insured. Is that all? It also floats.", False),
    ],
)
def test_what_says_nothing(text: str, expected: bool) -> None:
    assert says_nothing(text) is expected


@every(value=st.integers(13, 10**8))
def test_a_number_is_known_however_it_is_written(value: int) -> None:
    written = [
        f"{value}",
        f"{value:,}",
        f"{value:,}".replace(",", "."),
        f"{value:,}".replace(",", "'"),
        f"${value:,}.00",
    ]
    for source in written:
        for said in written:
            assert unsupported(f"It is {said} now.", f"so: {source};") == []


@every(day=st.dates(date(1990, 1, 1), date(2060, 1, 1)))
def test_a_day_is_known_however_it_is_written(day: date) -> None:
    written = [
        day.isoformat(),
        f"{day:%B} {day.day}, {day.year}",
        f"{day.day} {day:%b} {day.year}",
        f"{day:%d.%m.%Y}",
        f"{day:%m/%d/%Y}",
    ]
    for one in written:
        [read] = days_in(f"on {one}, at noon")
        assert (day.month, day.day) in read.readings
        assert read.year == day.year
        assert unsupported(f"On {one}.", f"since {written[0]}") == []


@every(text=st.text(max_size=300))
def test_what_a_source_says_itself_is_supported(text: str) -> None:
    """No text makes it fail, spans stand within it, and nobody invents what he repeats (days apart: `figures`)."""
    known = Known()
    take_in(known, text)
    for one in judge_claims(text, known, TODAY).unsupported:
        assert 0 <= one.start < one.start + one.length <= len(text)
    for figure in figures_in(text):
        assert 0 <= figure.start < figure.end <= len(text)


@every(words=st.lists(st.text("abcdef", min_size=1, max_size=4), max_size=600))
def test_a_set_knows_all_that_was_added(words: list[str]) -> None:
    hashes = [hashed(word.encode()) for word in words]
    kept = ""
    for at in range(0, len(hashes), 50):
        kept = add(kept, set(hashes[at : at + 50]))
    assert all(map(asker_of(kept), hashes))
    assert not is_full(kept)
    assert len(kept) < 1400


def begun(stories: Any, user: str = "What about 4711?", **retrieval: Any) -> Any:
    policy = AgentPolicy.model_validate({"agent": "support", "retrieval": retrieval}) if retrieval else None
    story = stories.Story(policy=policy)
    story.start()
    show(story, ("user", user), ("assistant", "It may be 8181."))
    return story


def kinds(stories: Any, story: Any, **more: Any) -> list[str]:
    found: list[str] = stories.Hall([UngroundedAnswer()], rules=[], **more).hear(story.events).kinds()
    return found


@pytest.mark.parametrize(
    ("scores", "rules", "expected"),
    [
        ([0.9, 0.1], {}, []),
        ([0.55], {}, []),
        ([0.549], {}, ["answered_anyway"]),
        ([-0.2], {}, ["answered_anyway"]),
        ([0.549], {"threshold": 0.5}, []),
        ([], {}, ["answered_anyway"]),
        ([None], {}, []),
        ([0.1, None], {}, []),
        ([14.2], {}, []),
        ([14.2], {"require_grounding": True}, ["unjudged"]),
        ([14.2], {"score_range": [0, 20]}, []),
        ([4.2], {"score_range": [0, 20]}, ["answered_anyway"]),
        ([0.3], {"score_range": [2, 0]}, []),
        ([1.5], {"score_range": [2, 0]}, ["answered_anyway"]),
    ],
)
def test_the_threshold(stories: Any, scores: list[Any], rules: dict[str, Any], expected: list[str]) -> None:
    story = begun(stories, **rules)
    look_up(story, *({"score": score, "text": "Tents are blue."} for score in scores))
    answer(story, "The tents that we sell are blue.")
    assert kinds(stories, story) == expected


def test_a_threshold_is_for_the_retrievals_since_the_last_answer(stories: Any) -> None:
    story = begun(stories)
    look_up(story, {"score": 0.9, "text": "Tents are blue."})
    answer(story, "The tents that we sell are blue.")
    look_up(story, {"score": 0.2, "text": "Stoves are red."})
    answer(story, "The stoves that we sell are red.")
    answer(story, "All the others are red as well.")
    assert kinds(stories, story) == ["answered_anyway"]


CLAIM = "The number is 9917 and the fee is $88."


@pytest.mark.parametrize("order", ["retrieval first", "tool first", "no retrieval", "demanded", "lost", "no text"])
def test_which_sessions_are_judged(stories: Any, order: str) -> None:
    story = begun(stories, require_grounding=order == "demanded")
    if order in {"tool first", "demanded"}:
        story.ask("look", "The number is 17.")
    if order == "lost":
        story.lose()
    if order not in {"no retrieval", "demanded"}:
        content = {} if order == "no text" else {"text": "Tents are blue."}
        look_up(story, {"score": 0.9} | content)
    answer(story, CLAIM)
    judged = order in {"retrieval first", "demanded"}
    assert kinds(stories, story) == (["unsupported_claims"] if judged else [])


def test_what_cannot_be_judged_is_told_once_where_the_policy_demands_it(stories: Any) -> None:
    story = begun(stories, require_grounding=True)
    for _ in range(3):
        look_up(story, {"score": 0.9})
        answer(story, CLAIM)
    assert kinds(stories, story) == ["unjudged"]


def test_a_claim_is_told_once_and_holds_no_words_of_the_answer(stories: Any) -> None:
    story = begun(stories)
    look_up(story, {"score": 0.9, "text": "Tents are blue."})
    said = "You should ask Helena Brandt, at the number 99172331."
    answer(story, said)
    answer(story, f"As I said: {said}")
    [finding] = stories.Hall([UngroundedAnswer()], rules=[]).hear(story.events).findings
    assert [said[one.start : one.start + one.length] for one in finding.evidence.claims] == [
        "Helena Brandt",
        "99172331",
    ]
    told = finding.model_dump_json()
    assert "Brandt" not in told
    assert "99172331" not in told


def test_what_the_agent_said_before_is_no_source(stories: Any) -> None:
    story = begun(stories)
    look_up(story, {"score": 0.9, "text": "Tents are blue."})
    answer(story, "It is 4711, or 8181.")
    [finding] = stories.Hall([UngroundedAnswer()], rules=[]).hear(story.events).findings
    assert [(one.start, one.length) for one in finding.evidence.claims] == [(15, 4)]


def test_no_answer_is_not_judged(stories: Any) -> None:
    story = begun(stories)
    look_up(story, {"score": 0.1, "text": "Tents are blue."})
    story.response(text=story.content(CLAIM), answer=False)
    assert kinds(stories, story) == []


@pytest.mark.parametrize("grounding", [True, False])
def test_the_state_is_bounded(stories: Any, grounding: bool) -> None:
    story = begun(stories, require_grounding=grounding)
    for number in range(60):
        show(story, ("user", " ".join(f"word{number}x{index} {number * 1000 + index}" for index in range(60))))
        if number % 3 == 0 or not grounding:
            look_up(story, {"score": 0.9, "text": " ".join(f"{number}/{index % 12 + 1}/2026" for index in range(50))})
        answer(story, CLAIM)
    hall = stories.Hall([UngroundedAnswer()], rules=[], stored=True).hear(story.events)
    assert len(hall.state().dump()) < 6000


def test_a_session_that_looks_nothing_up_keeps_little(stories: Any) -> None:
    story = begun(stories)
    for number in range(200):
        show(story, ("user", f"and what about number {number} of the list, please?"))
        story.ask("look", f"The number is {number}.") if number == 5 else None
        answer(story, CLAIM)
    hall = stories.Hall([UngroundedAnswer()], rules=[]).hear(story.events)
    assert hall.findings == []
    assert len(hall.state().dump()) < 1500
