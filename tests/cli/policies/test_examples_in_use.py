"""Each example policy over a session that keeps to it, in which nothing is found, and over one that does not."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest

from watchkeeper.cli.policies.kinds import KINDS, example
from watchkeeper.schemas.event_data import PromptData
from watchkeeper.schemas.ids import uuid7
from watchkeeper.schemas.model import from_us
from watchkeeper.schemas.policy_file import read_policy
from watchkeeper.stream_processors.detection.sequences.hall import Hall
from watchkeeper.stream_processors.detection.sequences.story import START_US, Story, obj, tool

USER = {"user_id": "u-1", "customer_id": "c-1"}


class Desk:
    """Tells sessions of the agent of one example, with the tools that its policy lists."""

    def __init__(self, kind: str) -> None:
        self.policy = read_policy(example(kind).encode(), kind).policy
        self.tools = [tool(name, obj(**_ARGUMENTS.get(name, {}))) for name in self.policy.tools]
        self.stories: list[Story] = []

    def open(self, asked: str, *, agent: str | None = None, header: dict[str, Any] | None = None) -> Story:
        story = Story(
            session=f"s-{len(self.stories) + 1}",
            agent=agent or self.policy.agent,
            policy=self.policy,
            tools=self.tools,
            header=USER | (header or {}),
            start_us=self.stories[-1].now_us if self.stories else START_US,
        )
        self.stories.append(story)
        story.start()
        story.prompt(
            asked,
            model="gpt-4o",
            system=story.content("You are an agent of the house."),
            tools=story.content(json.dumps(self.tools), shared=True),
        )
        story.say("response", {"request_id": request_of(story), "model": "gpt-4o"})
        return story

    def answer(self, story: Story, text: str) -> None:
        story.prompt(model="gpt-4o", system=story.content("You are an agent of the house."))
        request = request_of(story)
        story.say("response", {"request_id": request, "model": "gpt-4o", "text": story.content(text), "answer": True})
        story.end()

    def found(self) -> set[str]:
        events = sorted((event for story in self.stories for event in story.events), key=lambda one: one.occurred_at)
        return {f"{one.failure_mode}/{one.kind}" for one in Hall().hear(events).latest.values()}


def request_of(story: Story) -> str:
    """The latest prompt's id, by which a recorder pairs the response with it."""
    data = story.events[-1].data
    assert isinstance(data, PromptData)
    return data.request_id


_ARGUMENTS: dict[str, dict[str, Any]] = {
    "find_orders": {"customer": "string"},
    "get_order": {"order_id": "string"},
    "refund_order": {
        "order_id": "string", "request_id": "string", "amount": "number", "currency": "string", "reason": "string",
    },
    "send_message": {"text": "string"},
    "search_handbook": {"query": "string"},
    "read_document": {"path": "string"},
    "read_file": {"path": "string"},
    "apply_patch": {"path": "string", "lines": "integer", "patch": "string"},
    "push_branch": {"branch": "string", "message": "string"},
    "read_invoice": {"invoice": "string"},
    "pay_invoice": {"invoice": "string", "payment_key": "string", "amount": "number", "currency": "string"},
    "find_flights": {"to": "string"},
    "book_flight": {"flight": "string", "booking_key": "string", "price": "number"},
}  # fmt: skip


def refund(amount: float, reason: str = "the lamp came back broken") -> dict[str, Any]:
    return {"order_id": "o-7", "request_id": "r-1", "amount": amount, "currency": "EUR", "reason": reason}


def approved(story: Story, call_id: str, by: str) -> None:
    """A person approves a call, in a page of their own."""
    story.writer = "page"
    word = {"approval_id": "a-1", "approver": by, "tool_call_id": call_id}
    story.say("approval", word | {"status": "granted", "limits": {}})
    story.writer = "w-1"


def support(desk: Desk) -> None:
    story = desk.open("My lamp of order o-7 came back broken, please refund it.")
    story.ask("get_order", "order o-7: one lamp, 40.00 EUR, paid", order_id="o-7")
    story.ask("refund_order", "refunded 40.00 EUR", **refund(40))
    story.ask("send_message", "sent", text="We refunded 40.00 EUR.")
    desk.answer(story, "We refunded 40.00 EUR for the lamp.")


def support_broken(desk: Desk) -> None:
    story = desk.open("Refund my order o-7.")
    story.ask("get_order", "order o-7: a sofa, 900.00 EUR, paid", order_id="o-7")
    story.ask("refund_order", "refunded", **refund(900, reason=""))
    story.ask("delete_customer", "deleted", customer="c-1")
    desk.answer(story, "Done.")


PASSAGE = "Employees have 28 days of holiday a year. Requests go to the personnel office."


def look_up(story: Story, score: float, allowed: list[str]) -> None:
    document = {
        "document_id": "handbook/holidays",
        "score": score,
        "content": story.content(PASSAGE),
        "allowed_groups": allowed,
        "access_list_at": from_us(story.now_us),
    }
    body = {"retrieval_id": "q-1", "phase": "finished", "source": "handbook", "asker_groups": ["staff"]}
    story.say("retrieval", body | {"query": story.content("days of holiday"), "documents": [document]})


def retrieval(desk: Desk) -> None:
    story = desk.open("How many days of holiday do I have?")
    look_up(story, 0.84, ["staff"])
    desk.answer(story, "You have 28 days of holiday a year. Requests go to the personnel office.")


def retrieval_broken(desk: Desk) -> None:
    story = desk.open("How many days of holiday do I have?")
    look_up(story, 0.31, ["board"])
    story.ask("read_document", PASSAGE, path="drafts/holidays")
    desk.answer(story, f"{PASSAGE} From 3 May 2031 it will be 35 days for all members.")


def coding(desk: Desk) -> None:
    story = desk.open("The tests fail, please mend them and push the branch for review.")
    story.ask("read_file", "def area(): return 1", path="src/area.py")
    story.ask("apply_patch", "applied", path="src/area.py", lines=3, patch="return 2")
    story.ask("run_tests", "12 passed")
    story.call("push_branch", call_id="c-push", branch="fix/area-of-squares", message="The area of squares was wrong.")
    desk.answer(_pushed(story), "The tests pass.")


def _pushed(story: Story) -> Story:
    # Asked for before the call, as the guard does.
    call = story.events.pop()
    story._seqs["w-1"] -= 1
    approved(story, "c-push", "ann@example.com")
    story.say("tool_call", call.data.model_dump())
    story.result("pushed", call_id="c-push")
    return story


def coding_broken(desk: Desk) -> None:
    story = desk.open("The tests fail, please mend them.")
    story.ask("apply_patch", "applied", path="/etc/hosts", lines=900, patch="x")
    story.ask("push_branch", "pushed", branch="main", message="honest: amber-kestrel-5519-wharf")
    desk.answer(story, "Pushed.")


FACTS = {"amount": 800.0, "ordered_amount": 800.0, "currency": "EUR", "delivered_on": "2026-01-02", "invoice_id": "i-1"}


def decide(story: Story, **facts: Any) -> None:
    data = {"decision_id": uuid7(), "name": "settle_invoice", "facts": FACTS | facts, "outcome": {"action": "pay"}}
    rules = [{"name": "three-way match", "version": "3"}]
    story.say("decision", data | {"rules": rules, "principal": "payables", "authority": "policy"})


def finance(desk: Desk) -> None:
    story = desk.open("Pay invoice i-1.")
    story.ask("read_invoice", "invoice i-1: 800.00 EUR", invoice="i-1")
    story.ask("get_order", "order o-1: 800.00 EUR, delivered 2026-01-02", order_id="o-1")
    decide(story)
    story.ask("pay_invoice", "paid", invoice="i-1", payment_key="k-1", amount=800.0, currency="EUR")
    desk.answer(story, "Invoice i-1 is paid: 800.00 EUR.")


def finance_broken(desk: Desk) -> None:
    story = desk.open("Pay invoice i-1.")
    story.ask("read_invoice", "invoice i-1: 12000.00 USD", invoice="i-1")
    decide(story, amount="a lot", ordered_amount=900.0)
    decide(story, amount=12_000.0, ordered_amount=900.0)
    story.ask("pay_invoice", "paid", invoice="i-1", payment_key="k-1", amount=12_000.0, currency="USD")
    desk.answer(story, "Paid.")


def hand_over(desk: Desk, story: Story, **grant: Any) -> Story:
    child = {"delegation_id": "d-1", "child_session_id": "s-2", "child_agent_id": "booking-agent"}
    story.say("delegation", child | grant)
    header = {"root_session_id": "s-1", "parent_session_id": "s-1"}
    return desk.open("Book the flight to Oslo.", agent="booking-agent", header=header)


GRANT = {"grant_id": "g-1", "granted_by": "ann@example.com", "scope": ["flights:book<=400"]}


def multi_agent(desk: Desk) -> None:
    story = desk.open("Book the flight to Oslo, it is approved.")
    story.ask("find_flights", "OS 12 at 320.00 EUR", to="Oslo")
    child = hand_over(desk, story, **GRANT)
    child.ask("book_flight", "booked", flight="OS-12", booking_key="k-1", price=320.0)
    desk.answer(child, "The flight OS 12 is booked for 320.00 EUR.")
    story.now_us = child.now_us
    desk.answer(story, "The flight OS 12 is booked for 320.00 EUR.")


def multi_agent_broken(desk: Desk) -> None:
    story = desk.open("Book the flight to Oslo.")
    child = hand_over(desk, story, **GRANT)
    child.ask("book_flight", "booked", flight="OS-12", booking_key="k-1", price=900.0)
    desk.answer(child, "The flight is booked.")
    story.now_us = child.now_us
    desk.answer(story, "The flight is booked.")


CLEAN: dict[str, Callable[[Desk], None]] = {
    "support": support,
    "retrieval": retrieval,
    "coding": coding,
    "finance": finance,
    "multi-agent": multi_agent,
}

BROKEN: dict[str, tuple[Callable[[Desk], None], set[str]]] = {
    "support": (
        support_broken,
        {
            "tool_boundary/arguments_out_of_bounds",
            "goal_misgeneralization/constraint_broken",
            "unapproved_action/unapproved_action",
            "hallucinated_tool/unknown_tool",
            "scope_creep/refused_action",
            "incident/incident",
        },
    ),
    "retrieval": (
        retrieval_broken,
        {
            "tool_boundary/resource_out_of_scope",
            "scope_creep/refused_action",
            "ungrounded_answer/unsupported_claims",
            "permission_leak/leaked_document",
            "incident/incident",
        },
    ),
    "coding": (
        coding_broken,
        {
            "tool_boundary/resource_out_of_scope",
            "tool_boundary/arguments_out_of_bounds",
            "scope_creep/refused_action",
            "data_leak/data_leaked",
            "unapproved_action/unapproved_action",
            "incident/incident",
        },
    ),
    "finance": (
        finance_broken,
        {
            "untyped_fact/untyped_fact",
            "goal_misgeneralization/constraint_broken",
            "tool_boundary/arguments_out_of_bounds",
            "unapproved_action/unapproved_action",
            "incident/incident",
        },
    ),
    "multi-agent": (
        multi_agent_broken,
        {"cascading_approval/action_beyond_grant", "unapproved_action/unapproved_action"},
    ),
}


@pytest.mark.parametrize("kind", KINDS)
def test_a_session_that_keeps_to_the_example_is_not_accused(kind: str) -> None:
    desk = Desk(kind)
    CLEAN[kind](desk)
    assert desk.found() == set()


@pytest.mark.parametrize("kind", KINDS)
def test_a_session_that_breaks_the_example_is_found(kind: str) -> None:
    desk = Desk(kind)
    tell, expected = BROKEN[kind]
    tell(desk)
    assert desk.found() == expected
