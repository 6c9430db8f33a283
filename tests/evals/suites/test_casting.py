"""Sessions as cases: where they begin, what is a reference, and what is never kept."""

from __future__ import annotations

from types import ModuleType
from typing import Any

import pytest

from watchkeeper.evals.interaction import Document, Interaction, ToolUse, Turn
from watchkeeper.evals.suites.candidates import Candidate
from watchkeeper.evals.suites.case import Case
from watchkeeper.evals.suites.casting import Casting, case_id_of
from watchkeeper.evals.suites.creating import different
from watchkeeper.evals.suites.cutting import Cut, cut_of
from watchkeeper.evals.suites.drawing import Pick
from watchkeeper.evals.suites.starting_rubrics import starting_rubrics
from watchkeeper.producers.masking.masker import PolicyMasker
from watchkeeper.schemas.policy_masking import Masking

MASKER = PolicyMasker(Masking(kinds=["secret", "email", "card"], replacement="constant"), b"k" * 32)


def masks(text: str, *, is_json: bool) -> str:
    return MASKER.mask(text, "application/json" if is_json else "text/plain").text


def turns(script: str) -> tuple[Turn, ...]:
    """`u` and `a` speak, `c` calls, `t` is a system message: `t u a u ccc a`, with a number for each text."""
    speakers = {"u": "user", "a": "assistant", "s": "system"}
    made = []
    for number, word in enumerate(script.split()):
        if word[0] == "c":
            uses = tuple(ToolUse(call_id=f"{number}.{index}", name="find", result="x") for index in range(len(word)))
            made.append(Turn(speaker="assistant", tools=uses))
        else:
            made.append(Turn(speaker=speakers[word[0]], text=f"{number} {'long ' * (len(word) - 1)}"))  # type: ignore[arg-type] # a speaker
    return tuple(made)


@pytest.mark.parametrize(
    ("script", "shown", "answer"),
    [
        ("s u a", 2, 1),
        ("s u a u c a u a", 4, 2),
        ("u cc a u ccc a u a", 4, 2),
        ("a u a", 2, 1),
        ("u a uuuu a u a", 3, 1),
        ("u a u a", 1, 1),
        ("u u a", 2, 1),
        ("u a u", 1, 1),
    ],
)
def test_where_a_case_begins(script: str, shown: int, answer: int) -> None:
    cut = cut_of(turns(script))
    assert cut is not None
    assert (len(cut.shown), len(cut.answer)) == (shown, answer)
    assert cut.shown[-1].speaker == "user"


@pytest.mark.parametrize("script", ["", "s", "u", "s u", "a", "s a c"])
def test_sessions_without_an_answered_request(script: str) -> None:
    assert cut_of(turns(script)) is None


def pick_of(*sessions: Interaction) -> Pick:
    """The first of sessions that asked alike, drawn."""
    candidates = tuple(Candidate(one, cut) for one in sessions if (cut := cut_of(one.turns)))
    return Pick(candidates[0], candidates, "refund/quiet/easy", 2, 0.125)


def cast(made_up: ModuleType, *sessions: Interaction, **given: Any) -> Case:
    return Casting(drawn_at=made_up.BEGIN, masks=masks, **given).case_of(pick_of(*sessions))


def test_a_case_knows_where_it_comes_from(made_up: ModuleType) -> None:
    case = cast(made_up, made_up.session(1, "Where is it?", outcomes={"csat": 5.0}), consent="consented")
    assert [turn.text for turn in case.messages] == ["Be brief.", "Where is it?"]
    assert [turn.text for turn in case.recorded] == ["", "Done: Where is it?."]
    assert (case.consent, case.labels, case.intent) == ("consented", {"csat": 5.0}, "refund")
    assert case.provenance.model_dump(exclude={"drawn_at"}) == {
        "session_id": "session-00001",
        "agent_id": "desk",
        "agent_version": "1",
        "stratum": "refund/quiet/easy",
        "cluster": 2,
        "inclusion": 0.125,
    }
    assert all(turn.at is None for turn in (*case.messages, *case.recorded))


def test_what_is_made_up_is_synthetic_whatever_is_said(made_up: ModuleType) -> None:
    assert cast(made_up, made_up.session(1, "x", origin="simulated"), consent="internal").consent == "synthetic"


def test_references_come_from_sessions_that_ended_well(made_up: ModuleType) -> None:
    good = made_up.session(1, "Where is it?", outcomes={"csat": 5.0})
    bad = made_up.session(2, "Where is it?", status="failed")
    quiet = made_up.session(3, "Where is it?")
    for sessions, expected in (
        ((good,), "Done: Where is it?."),
        ((bad, quiet, good), "Done: Where is it?."),
        ((bad, quiet), ""),
    ):
        case = cast(made_up, *sessions)
        assert case.reference_answer == expected
        assert (case.reference_calls is not None) == bool(expected)
        assert case.provenance.session_id == sessions[0].interaction_id
    assert cast(made_up, quiet, trusted=frozenset({"quiet"})).reference_answer


def test_what_identifies_people_is_not_kept(made_up: ModuleType) -> None:
    use = ToolUse(
        call_id="c",
        name="send",
        arguments={"to": "ada@example.com", "about": "refund", "count": 3},
        result='{"sent_to": "ada@example.com", "n": 1}',
    )
    asked = "I am ada@example.com and my card is 4111 1111 1111 1111."
    session = made_up.session(1, asked, outcomes={"csat": 5.0, "note": "ask bob@example.com"}).model_copy(
        update={
            "turns": (
                Turn(speaker="user", text=asked),
                Turn(
                    speaker="assistant", text="I write to ada@example.com.", tools=(use,), reasoning="ada@example.com"
                ),
            ),
            "documents": (Document(document_id="d", text="Owner: ada@example.com"), Document(text="Free.")),
        }
    )
    case = cast(made_up, session)
    kept = case.model_dump_json()
    assert "example.com" not in kept
    assert "4111" not in kept
    assert case.reference_answer == "I write to [email]."
    assert case.recorded[0].tools[0].arguments == {"to": "[email]", "about": "refund", "count": 3}
    assert case.recorded[0].tools[0].result == '{"sent_to": "[email]", "n": 1}'
    # A candidate never calls with what was masked.
    assert case.reference_calls is not None
    assert case.reference_calls[0].arguments == {"about": "refund", "count": 3}
    assert case.documents == {"d": "Owner: [email]", "document-2": "Free."}


def test_escalation_is_told_of_the_moment_that_the_case_shows(made_up: ModuleType) -> None:
    def told(names: str, *, later: bool, escalated: bool | None) -> bool | None:
        uses = tuple(ToolUse(call_id=name, name=name) for name in names.split())
        more = (Turn(speaker="user", text="ok"), Turn(speaker="assistant", text="bye")) if later else ()
        said = (Turn(speaker="user", text="help me"), Turn(speaker="assistant", text="so", tools=uses), *more)
        good = made_up.session(1, "x", outcomes={"csat": 5.0}, escalated=escalated)
        return cast(made_up, good.model_copy(update={"turns": said})).expects_escalation

    assert told("find transfer_to_human", later=True, escalated=True) is True
    assert told("find", later=False, escalated=True) is True
    assert told("find", later=True, escalated=True) is None
    assert told("find", later=True, escalated=False) is False
    assert told("find", later=False, escalated=None) is None


def test_ids_stay_while_the_request_does() -> None:
    one = turns("s u")
    assert case_id_of("refund", one) == case_id_of("refund", one)
    assert case_id_of("refund", one) != case_id_of("other", one)
    assert case_id_of("a b/ü", one).startswith("a-b-")
    assert case_id_of("", one) == case_id_of("", one)[:12]
    Case(case_id=case_id_of("ü" * 300, one), messages=one)


def test_cases_that_masking_made_the_same_are_one(made_up: ModuleType) -> None:
    both = [cast(made_up, made_up.session(number, f"Write to {name}@example.com")) for number, name in enumerate("ab")]
    (one,) = different(both)
    assert one.provenance.session_id == "session-00000"
    assert one.provenance.inclusion == pytest.approx(1 / 16)


def test_rubrics_ask_what_the_cases_can_answer(made_up: ModuleType) -> None:
    good = cast(made_up, made_up.session(1, "a", outcomes={"csat": 5.0}, escalated=False))
    bare = cast(made_up, made_up.session(2, "b", intent="chat"))
    rubrics = {rubric.intent: [one.name for one in rubric.criteria] for rubric in starting_rubrics([good, bare])}
    assert rubrics == {
        "chat": ["correctness", "policy", "tone"],
        "refund": ["correctness", "tool_use", "escalation", "policy", "tone"],
        "*": ["correctness", "tool_use", "escalation", "policy", "tone"],
    }


def test_rubrics_name_graders_that_there_are(made_up: ModuleType) -> None:
    from watchkeeper.evals.grading.registry import GRADERS  # noqa: PLC0415 - of another part

    session = made_up.session(1, "a", outcomes={"csat": 5.0}, escalated=False)
    case = cast(made_up, session.model_copy(update={"documents": (Document(text="x"),)}))
    named = {one.grader for rubric in starting_rubrics([case]) for one in rubric.criteria if one.grader}
    assert len(named) == 4
    assert named <= set(GRADERS)


def test_a_cut_says_what_was_asked_so_far() -> None:
    assert Cut(turns("s u a u"), turns("a"), last=True).request == "1 \n3 "
