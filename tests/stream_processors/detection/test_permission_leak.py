from __future__ import annotations

import json
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given as every
from hypothesis import strategies as st
from pydantic import ValidationError

from watchkeeper.schemas.events import Document
from watchkeeper.schemas.model import from_us
from watchkeeper.schemas.policy import AgentPolicy
from watchkeeper.schemas.policy_retrieval import Retrieval
from watchkeeper.stream_processors.detection.access import access_of
from watchkeeper.stream_processors.detection.sequences.lookups import answer, look_up, show
from watchkeeper.stream_processors.detection.session_rules.leak_suspects import MAX_SUSPECTS
from watchkeeper.stream_processors.detection.session_rules.permission_leak import PermissionLeak
from watchkeeper.stream_processors.detection.shingles import MAX_TEXT, merged, packed, shingles, unpacked
from watchkeeper.stream_processors.detection.shown_texts import plain

SECRET = "The merger with Orion is planned for the third of October and the price is nine million"
OPEN = "Leave that is not taken by the end of March of the next year is lost for good"
WORDS = st.lists(st.sampled_from(["apple", "pear", "plum", "fig", "date", "kiwi", "lime"]), min_size=6, max_size=40)


def begun(stories: Any, **retrieval: Any) -> Any:
    policy = AgentPolicy.model_validate({"agent": "support", "retrieval": retrieval}) if retrieval else None
    story = stories.Story(policy=policy)
    story.start()
    return story


def heard(stories: Any, story: Any, **more: Any) -> Any:
    return stories.Hall([PermissionLeak()], rules=[], **more).hear(story.events)


def secret(**fields: Any) -> dict[str, Any]:
    return {"document_id": "merger", "text": SECRET, "allowed_groups": ["board"]} | fields


def reaches(hall: Any) -> list[str]:
    return [finding.evidence.reach for finding in hall.findings]


@pytest.mark.parametrize(
    ("listed", "asker", "rules", "access"),
    [
        (["hr"], ["hr"], {}, "allowed"),
        (["hr", "board"], ["staff", "board"], {}, "allowed"),
        (["HR "], ["hr"], {}, "allowed"),
        (["hr"], ["hr-europe"], {}, "denied"),
        (["hr"], [], {}, "denied"),
        (["hr"], None, {}, "no_asker"),
        (["*"], None, {}, "allowed"),
        (["hr", "Public"], [], {}, "allowed"),
        (["hr", "public"], [], {"public_groups": ["all"]}, "denied"),
        (["All"], [], {"public_groups": ["all"]}, "allowed"),
        ([], [], {}, "allowed"),
        ([], None, {}, "allowed"),
        ([], ["hr"], {"empty_access_list": "nobody"}, "denied"),
        (None, ["hr"], {}, "no_list"),
        (None, None, {}, "no_list"),
    ],
)
def test_who_may_read(listed: Any, asker: Any, rules: dict[str, Any], access: str) -> None:
    assert access_of(Document(document_id="d", allowed_groups=listed), asker, Retrieval(**rules)) == access


GROUPS = st.lists(st.sampled_from(["a", "b", "c", "d"]), max_size=4)


@every(listed=GROUPS.filter(bool), asker=GROUPS, more=GROUPS)
def test_more_groups_never_take_a_right_away(listed: list[str], asker: list[str], more: list[str]) -> None:
    document, rules = Document(document_id="d", allowed_groups=listed), Retrieval()
    if access_of(document, asker, rules) == "allowed":
        assert access_of(document, [*asker, *more], rules) == "allowed"
    assert (access_of(document, asker, rules) == "allowed") == bool(set(listed) & set(asker))


@pytest.mark.parametrize(
    ("prompt", "said", "expected"),
    [
        (SECRET, "No.", ["model"]),
        (SECRET.upper().replace(" ", "  \n"), "No.", ["model"]),
        (SECRET[:60], "No.", ["model"]),
        (json.dumps({"documents": [{"text": SECRET}]}), "No.", ["model"]),
        (OPEN, "No.", []),
        (None, "No.", ["unknown"]),
        (None, SECRET, ["unknown", "answer"]),
        (SECRET, SECRET, ["model", "answer"]),
        (OPEN, "It is planned for the third of October and the price is nine million.", ["answer"]),
        (OPEN, "The merger is planned for the third week.", []),
        (OPEN, "I may not speak of a merger.", []),
    ],
)
def test_how_far_a_document_came(stories: Any, prompt: str | None, said: str, expected: list[str]) -> None:
    story = begun(stories)
    look_up(story, secret(), {"text": OPEN, "allowed_groups": ["staff"]}, asker_groups=["staff"])
    if prompt is not None:
        show(story, ("user", "What is new?"), ("tool", prompt))
    answer(story, said)
    hall = heard(stories, story)
    assert reaches(hall) == expected
    assert len(hall.latest) == bool(expected)
    assert [finding.revision for finding in hall.findings] == list(range(len(expected)))


def test_a_finding_tells_the_missing_right_and_where_the_words_stand(stories: Any) -> None:
    story = begun(stories)
    look_up(story, secret(version="3", allowed_groups=[f"g{n}" for n in range(9)]), asker_groups=["staff"])
    said = f"I heard this: {SECRET}. Tell nobody."
    answer(story, said)
    [leak] = heard(stories, story).latest.values()
    evidence = leak.evidence
    assert (evidence.document_id, evidence.version, evidence.overlap) == ("merger", "3", len(SECRET.split()))
    assert (evidence.allowed_groups, evidence.more_groups) == (["g0", "g1", "g2", "g3"], 5)
    [span] = evidence.spans
    assert said[span.start : span.start + span.length] == SECRET
    assert SECRET[:20] not in leak.model_dump_json()


def test_what_the_asker_said_is_no_secret(stories: Any) -> None:
    story = begun(stories)
    look_up(story, secret(), query=SECRET, asker_groups=["staff"])
    answer(story, SECRET)
    assert heard(stories, story).findings == []


def test_words_of_a_document_that_may_be_read_later_are_no_secret(stories: Any) -> None:
    story = begun(stories)
    look_up(story, secret(), asker_groups=["staff"])
    look_up(story, secret(document_id="news", allowed_groups=["staff"]), asker_groups=["staff"])
    show(story, ("tool", SECRET))
    answer(story, SECRET)
    assert heard(stories, story).findings == []


def test_a_document_that_is_looked_up_again_is_told_once(stories: Any) -> None:
    story = begun(stories)
    for _ in range(3):
        look_up(story, secret(), asker_groups=["staff"])
        show(story, ("tool", SECRET))
        answer(story, "No.")
    assert reaches(heard(stories, story)) == ["model"]


def test_the_answer_with_which_a_session_ends_counts(stories: Any) -> None:
    story = begun(stories)
    look_up(story, secret(), asker_groups=["staff"])
    show(story, ("tool", OPEN))
    story.say("session_ended", {"answer": story.content(SECRET)})
    assert reaches(heard(stories, story)) == ["answer"]


def test_what_is_no_answer_leaks_to_nobody(stories: Any) -> None:
    story = begun(stories)
    look_up(story, secret(), asker_groups=["staff"])
    show(story, ("tool", OPEN))
    story.response(text=story.content(SECRET), answer=False)
    assert heard(stories, story).findings == []


def test_a_retrieval_that_comes_late(stories: Any) -> None:
    story = begun(stories)
    story.lose()
    answer(story, "No.")
    body = look_up(story, secret(), asker_groups=["staff"])
    story.events[-1] = body.model_copy(update={"seq": 1})
    assert reaches(heard(stories, story)) == ["unknown"]


@pytest.mark.parametrize(
    ("age", "limit", "told"),
    [(10, None, []), (10, 10.5, []), (10, 9.5, ["stale_access_list"]), (-5, 1, []), (None, 9, ["unjudged"])],
)
def test_old_access_lists(stories: Any, age: float | None, limit: float | None, told: list[str]) -> None:
    story = begun(stories, access_list_max_age_seconds=limit)
    for _ in range(2):
        at = None if age is None else from_us(story.now_us - round(age * 1_000_000))
        look_up(story, {"allowed_groups": ["staff"], "access_list_at": at}, asker_groups=["staff"])
    assert heard(stories, story).kinds() == told


@pytest.mark.parametrize(
    ("listed", "asker", "demanded", "told"),
    [
        (None, ["staff"], True, 1),
        (None, ["staff"], False, 0),
        (["staff"], None, True, 1),
        (["staff"], None, False, 0),
        (["staff"], ["staff"], True, 0),
    ],
)
def test_what_is_not_known_is_told_where_the_policy_demands_it(
    stories: Any, listed: Any, asker: Any, demanded: bool, told: int
) -> None:
    story = begun(stories, require_access_lists=demanded)
    for _ in range(2):
        look_up(story, {"allowed_groups": listed}, asker_groups=asker)
    assert heard(stories, story).kinds() == ["unjudged"] * told


def test_the_state_is_bounded_and_overflow_is_told(stories: Any) -> None:
    story = begun(stories, require_access_lists=True, access_list_max_age_seconds=1)
    for number in range(40):
        words = " ".join(f"w{number}x{index}" for index in range(500))
        allowed = [f"{'g' * 200}{n}" for n in range(30)]
        look_up(story, secret(document_id=f"{'d' * 200}{number}", text=words, allowed_groups=allowed), asker_groups=[])
    hall = heard(stories, story, stored=True)
    assert len(json.dumps(hall.state().detectors["permission_leak"][1]["suspects"])) < 6000
    assert "more than 6 documents" in "".join(one.summary for one in hall.findings)
    assert len(hall.state().detectors["permission_leak"][1]["suspects"]) == MAX_SUSPECTS


def test_a_session_without_leaks_keeps_nothing(stories: Any) -> None:
    story = begun(stories)
    for _ in range(50):
        look_up(story, secret(allowed_groups=["staff"]), asker_groups=["staff"])
        show(story, ("tool", SECRET))
        answer(story, SECRET)
    state = heard(stories, story).state().detectors["permission_leak"][1]
    assert (state.suspects, state.told) == ([], [])


@every(words=WORDS, before=WORDS, after=WORDS)
def test_a_text_is_known_again_wherever_it_stands(words: list[str], before: list[str], after: list[str]) -> None:
    text, around = " ".join(words), ", ".join([*before, *words, *after]).title()
    known = {one.value for one in shingles(text)}
    found = list(shingles(around))
    assert known <= {one.value for one in found}
    assert unpacked(packed(known, 1000)) == known
    stretches = merged([one for one in found if one.value in known])
    assert all(one[1] < two[0] for one, two in pairwise(stretches))
    assert any(" ".join(words) in around[start:end].casefold().replace(",", "") for start, end in stretches)


@every(text=st.text(max_size=200))
def test_shingles_stand_where_they_say(text: str) -> None:
    for one in shingles(text):
        assert 0 <= one.start < one.end <= len(text)
        assert text[one.start].isalnum()


def test_every_character_is_a_word_where_there_are_no_spaces() -> None:
    assert len(list(shingles("合并计划于十月三日"))) == 5
    assert list(shingles("")) == list(shingles("… !")) == []
    assert len(list(shingles("a " * MAX_TEXT))) == MAX_TEXT // 2 - 4


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("plain", "plain"),
        ('{"role": "user", "content": "one\\ntwo"}', "one\ntwo"),
        ('{"content": [{"type": "text", "text": "one"}, {"n": 2, "ok": true}]}', "one\n2"),
        ('{"content": "{\\"text\\": \\"deep\\"}"}', "deep"),
        ("{not json", "{not json"),
    ],
)
def test_what_a_message_says(text: str, said: str) -> None:
    assert plain(text) == said


def test_a_range_of_scores_has_two_ends() -> None:
    with pytest.raises(ValidationError, match="then that of full similarity"):
        Retrieval(score_range=[1.0, 1.0])
    assert Retrieval(score_range=[2.0, 0.0]).score_range == [2.0, 0.0]


def test_fields_that_came_later_rename_no_policy() -> None:
    old = AgentPolicy.model_validate({"agent": "a", "retrieval": {"threshold": 0.6}})
    assert json.loads(old.canonical())["retrieval"] == {"threshold": 0.6}
    new = AgentPolicy.model_validate({"agent": "a", "retrieval": {"require_access_lists": True}})
    assert json.loads(new.canonical())["retrieval"] == {"threshold": 0.55, "require_access_lists": True}
