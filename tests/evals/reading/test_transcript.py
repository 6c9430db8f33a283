"""Who said what, from events alone: sessions told to the recorder in every way in which hosts tell them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from watchkeeper.evals.interaction import Interaction
from watchkeeper.evals.reading.assembling import SessionRows, assemble
from watchkeeper.evals.reading.escalation import is_escalation_tool
from watchkeeper.evals.reading.messages import calls_of, results_of, speaker_of, text_of
from watchkeeper.producers import Session, Watchkeeper
from watchkeeper.producers.testing import MemoryTransport
from watchkeeper.schemas.events import Event
from watchkeeper.schemas.model import to_us
from watchkeeper.schemas.stored_events import StoredEvent
from watchkeeper.schemas.stored_texts import SessionTexts

Tell = Callable[[Session], None]


def stored(event: Event) -> StoredEvent:
    return StoredEvent(
        event=event,
        type=event.type,
        event_id=event.event_id,
        writer_id=event.writer_id,
        seq=event.seq,
        occurred_us=to_us(event.occurred_at),
        digest=event.event_id,
        salt=event.writer_salt or "",
        data="{}",
        place="0/0/0",
        late=False,
        conflict=False,
        cost_usd=None,
        price_status="none",
        price_version="",
    )


def read_back(tell: Tell, *, without: Callable[[Event], bool] = lambda _: False, **options: Any) -> Interaction:
    """A session as told, read back from its events."""
    memory = MemoryTransport()
    watch = Watchkeeper(agent="helper", transport=memory)
    with watch.session(**options) as session:
        tell(session)
    assert watch.close()
    events = [stored(event) for event in memory.events() if not without(event)]
    return assemble(SessionRows(events, SessionTexts(events)))


def said(one: Interaction) -> list[tuple[str, str]]:
    return [(turn.speaker, turn.text) for turn in one.turns]


def user(text: str) -> dict[str, Any]:
    return {"role": "user", "content": text}


def agent(text: str | None, **more: Any) -> dict[str, Any]:
    return {"role": "assistant", "content": text, **more}


def ask(session: Session, messages: list[dict[str, Any]], answer: str) -> list[dict[str, Any]]:
    """One request and its response; answers the conversation with it."""
    session.response(answer, request_id=session.prompt(messages), answer=True)
    return [*messages, agent(answer)]


def void(_: object) -> None:
    """Drops what is not asked for."""


def test_each_prompt_repeats_the_conversation_and_each_turn_stands_once() -> None:
    def tell(session: Session) -> None:
        messages: list[dict[str, Any]] = [{"role": "system", "content": "Be brief."}]
        for question in ("yes", "yes", "yes"):
            messages = ask(session, [*messages, user(question)], "so it is")

    pair = [("user", "yes"), ("assistant", "so it is")]
    assert said(read_back(tell)) == [("system", "Be brief."), *pair, *pair, *pair]


def test_a_conversation_handed_in_as_history_is_read_from_the_prompt() -> None:
    call = {"id": "c0", "type": "function", "function": {"name": "find", "arguments": '{"q": 1}'}}
    history = [
        agent("Hello, how can I help?"),
        user("Where is it?"),
        agent(None, tool_calls=[call]),
        {"role": "tool", "tool_call_id": "c0", "content": "on its way"},
        agent("On its way."),
        user("And when?"),
    ]
    one = read_back(lambda session: void(ask(session, history, "Tomorrow.")))
    assert said(one) == [
        ("assistant", "Hello, how can I help?"),
        ("user", "Where is it?"),
        ("assistant", ""),
        ("assistant", "On its way."),
        ("user", "And when?"),
        ("assistant", "Tomorrow."),
    ]
    assert [(use.name, use.arguments, use.result) for use in one.calls] == [("find", {"q": 1}, "on its way")]


def test_what_was_left_out_of_the_window_is_not_said_again() -> None:
    def tell(session: Session) -> None:
        messages = ask(session, [user("one")], "first")
        messages = ask(session, [*messages, user("two")], "second")
        # The window slides: the first question is gone, a summary stands in its place.
        ask(session, [{"role": "system", "content": "So far: one."}, *messages[2:], user("three")], "third")

    assert said(read_back(tell)) == [
        *(("user", "one"), ("assistant", "first"), ("user", "two"), ("assistant", "second")),
        *(("system", "So far: one."), ("user", "three"), ("assistant", "third")),
    ]


def test_two_conversations_in_one_session_keep_apart() -> None:
    def tell(session: Session) -> None:
        planning = ask(session, [user("Plan it.")], "First search.")
        ask(session, [user("Search it.")], "Found.")
        ask(session, [*planning, user("Search it.")], "Then write.")

    assert said(read_back(tell)) == [
        *(("user", "Plan it."), ("assistant", "First search."), ("user", "Search it."), ("assistant", "Found.")),
        *(("user", "Search it."), ("assistant", "Then write.")),
    ]


def test_a_framework_that_quotes_in_other_words_doubles_nothing() -> None:
    def tell(session: Session) -> None:
        session.response("  Hm. ", request_id=session.prompt([user("one")]))
        call = session.tool_call("find", {"q": 1}, call_id="own-id")
        session.tool_result(call, {"found": 3})
        quoted = [
            user("one"),
            {"role": "assistant", "content": [{"type": "text", "text": "<think/>Hm"}, {"type": "tool_use", "id": "x"}]},
            {"role": "user", "content": [{"type": "tool_result", "tool_use_id": "x", "content": "3"}]},
        ]
        session.response("Three.", request_id=session.prompt(quoted), answer=True)

    one = read_back(tell)
    assert said(one) == [("user", "one"), ("assistant", "  Hm. "), ("assistant", "Three.")]
    assert [(use.name, use.result) for use in one.calls] == [("find", '{"found":3}')]


def test_models_repeat_ids_and_results_come_in_any_order() -> None:
    def tell(session: Session) -> None:
        session.response(None, request_id=session.prompt([user("go")]))
        for number in (1, 2):
            session.tool_call("find", {"q": number}, call_id="call_0")
        session.tool_call("look", "no json", call_id="call_1")
        session.tool_result("call_1", error=TimeoutError("late"), status="timeout")
        session.tool_result("call_0", "one", trust="trusted")
        session.tool_result("call_0", "two")
        session.tool_result("nobody", "three", tool_name="ghost")

    uses = read_back(tell).calls
    assert [(use.name, use.arguments, use.result, use.failed, use.trusted) for use in uses] == [
        ("find", {"q": 1}, "one", False, True),
        ("find", {"q": 2}, "two", False, False),
        ("look", None, "late", True, False),
        ("ghost", None, "three", False, False),
    ]


def test_reasoning_belongs_to_the_response_it_leads_to() -> None:
    def tell(session: Session) -> None:
        for answer in ("a", "b"):
            request = session.prompt([user("go")])
            session.reasoning(f"think {answer}")
            session.reasoning("and again")
            session.response(answer, request_id=request)

    turns = [(turn.text, turn.reasoning) for turn in read_back(tell).turns if turn.speaker == "assistant"]
    assert turns == [("a", "think a\nand again"), ("b", "think b\nand again")]


def test_outcomes_and_documents() -> None:
    def tell(session: Session) -> None:
        session.retrieval("rules", [{"id": "d1", "text": "Thirty days.", "score": 0.5}, {"id": "d2"}])
        session.retrieval("rules", [{"id": "d1", "text": "Thirty days.", "score": 0.5}])
        session.outcome("csat", 2)
        session.outcome("csat", 4, kind="feedback")
        session.outcome("resolved", 1.0, label="true")
        session.outcome("words", comment="Quite good.")
        session.outcome("grade", label="B")
        session.outcome("closing_message", label="user", comment="Thank you!")

    one = read_back(tell, goal="Answer.", intent="rules", tools=[{"name": "find"}, {"function": {"name": "look"}}])
    assert one.outcomes == {"csat": 4.0, "resolved": True, "words": "Quite good.", "grade": "B"}
    assert [(document.document_id, document.text, document.score) for document in one.documents] == [
        ("d1", "Thirty days.", 0.5)
    ]
    assert (one.goal, one.intent, one.tools, one.turns[-1].text) == ("Answer.", "rules", ("find", "look"), "Thank you!")


def test_a_session_without_prompts_still_has_what_the_agent_did() -> None:
    one = read_back(lambda session: session.tool_result(session.tool_call("find", {"q": 1}), "3"))
    assert (one.asked, one.answer, [use.result for use in one.calls]) == ("", "", ["3"])


@pytest.mark.parametrize("lost", ["session_started", "response", "prompt"])
def test_a_session_of_which_something_is_missing_says_so(lost: str) -> None:
    def tell(session: Session) -> None:
        ask(session, ask(session, [user("one")], "first"), "second")

    assert read_back(tell).complete
    assert not read_back(tell, without=lambda event: event.type == lost and event.seq < 3).complete


@pytest.mark.parametrize(
    ("tell", "expected"),
    [
        (lambda session: None, None),
        (lambda session: session.approval("requested", action="refund"), True),
        (lambda session: session.outcome("escalated", 1.0), True),
        (lambda session: session.outcome("escalated", label="no"), False),
        (lambda session: session.tool_call("transfer_to_human_agents", {}), True),
        (lambda session: session.tool_call("transfer_money", {}), None),
    ],
)
def test_escalation(tell: Tell, expected: bool | None) -> None:
    assert read_back(tell).escalated is expected


def test_a_tool_that_hands_over_and_was_not_called_says_no() -> None:
    assert read_back(lambda _: None, tools=[{"name": "escalate_to_supervisor"}]).escalated is False


@pytest.mark.parametrize(
    ("name", "hands_over"),
    [
        ("transfer_to_human_agents", True),
        ("escalate", True),
        ("escalate_case", True),
        ("handoff_to_support", True),
        ("connect_live_agent", True),
        ("transfer_funds", False),
        ("escalator_status", False),
        ("forward_email", False),
        ("get_support_hours", False),
    ],
)
def test_names_of_tools_that_hand_over(name: str, hands_over: bool) -> None:
    assert is_escalation_tool(name) is hands_over


@pytest.mark.parametrize(
    ("message", "text"),
    [
        ("plain", "plain"),
        ({"role": "user", "content": "x"}, "x"),
        ({"role": "user", "content": None}, ""),
        ({"role": "assistant", "content": None, "refusal": "No."}, "No."),
        ({"role": "user", "content": [{"type": "text", "text": "a"}, {"type": "image_url"}, "b"]}, "a\n[image_url]\nb"),
        ({"role": "user", "parts": [{"text": "gemini"}]}, "gemini"),
        ({"role": "user", "content": {"k": 1}}, '{"k":1}'),
        ([1], "[1]"),
        (None, ""),
    ],
)
def test_texts_of_messages(message: Any, text: str) -> None:
    assert text_of(message) == text


def test_messages_of_nobody_are_read_without_harm() -> None:
    assert speaker_of("critic") == "user"
    assert not list(calls_of("x"))
    assert not list(results_of(3))
    (call,) = calls_of({"tool_calls": ["x", {"function": {"name": "f", "arguments": "["}}]})
    assert call.arguments is None
