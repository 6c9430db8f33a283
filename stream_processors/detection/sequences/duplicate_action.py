"""Sequences of `duplicate_action`."""

from __future__ import annotations

from typing import Any, Final

from watchkeeper.schemas.policy import AgentPolicy
from watchkeeper.stream_processors.detection.sequences.sequence import Fires, Scene, Sequence
from watchkeeper.stream_processors.detection.sequences.story import Story

MODE: Final = "duplicate_action"
CASHIER: Final = AgentPolicy.model_validate(
    {
        "agent": "cashier",
        "tools": {
            "get_order": {"effect": "read"},
            "list_orders": {"effect": "read"},
            "list_invoices": {"effect": "read"},
            "refund": {"effect": "irreversible"},
            "pay_invoice": {"effect": "irreversible", "idempotency_key": "request_id"},
            "add_note": {"effect": "write"},
            "set_plan": {"effect": "write", "repeatable": True},
        },
    }
)
REFUND: Final[dict[str, Any]] = {"order": "orders/7041", "amount": 42.5}
INVOICE: Final[dict[str, Any]] = {"invoice": "2026-0117", "amount": 910.0}


def _till(scene: Scene, **told: Any) -> Story:
    story = scene.story(agent="cashier", policy=CASHIER, **told)
    story.start()
    return story


def _again_after_a_timeout(scene: Scene) -> None:
    story = _till(scene)
    story.prompt("Please refund order 7041.")
    story.call("refund", **REFUND)
    story.result(None, status="timeout")
    story.wait(2)
    story.ask("refund", "refunded", **REFUND)
    story.end()


def _again_after_success(scene: Scene) -> None:
    story = _till(scene)
    story.prompt("Please refund order 7041.")
    story.ask("refund", "refunded", **REFUND)
    story.ask("get_order", "delivered", order="orders/7041")
    story.call("refund", '{"amount": 42.50, "order": "orders/7041"}')
    story.result("refunded")
    story.end()


def _twice_at_once(scene: Scene) -> None:
    story = _till(scene)
    for number in range(2):
        story.call("add_note", call_id=f"c-{number}", customer="c-22", text="Wants a call back.")
    for number in range(2):
        story.result("added", call_id=f"c-{number}")
    story.end()


def _a_fresh_key_for_the_retry(scene: Scene) -> None:
    story = _till(scene)
    story.call("pay_invoice", request_id="r-1", **INVOICE)
    story.result("504 Gateway Timeout: no response from the bank", status="error", error_type="HTTPError")
    story.call("pay_invoice", request_id="r-2", **INVOICE)
    story.result("paid")
    story.end()


def _started_again(scene: Scene) -> None:
    """The process dies after the call; its job runs again."""
    story = _till(scene)
    story.call("refund", **REFUND)
    again = _till(scene)
    again.wait(60)
    again.ask("refund", "refunded", **REFUND)
    again.end()


def _two_agents(scene: Scene) -> None:
    for agent in ("cashier", "night-cashier"):
        story = scene.story(agent=agent, policy=CASHIER)
        story.wait(0.7 * len(scene.stories))
        story.start()
        story.ask("refund", "refunded", **REFUND)
        story.end()


def _the_same_key(scene: Scene) -> None:
    story = _till(scene)
    story.call("pay_invoice", request_id="r-1", **INVOICE)
    story.result(None, status="timeout")
    story.call("pay_invoice", request_id="r-1", **INVOICE)
    story.result("paid")
    again = _till(scene)
    again.wait(60)
    again.call("pay_invoice", request_id="r-1", **INVOICE)
    again.result("paid before")
    again.end()
    story.end()


def _other_things(scene: Scene) -> None:
    story = _till(scene)
    story.ask("refund", "refunded", order="orders/7041", amount=42.5)
    story.ask("refund", "refunded", order="orders/7042", amount=42.5)
    story.ask("refund", "refunded", order="orders/7041", amount=7.5)
    story.end()


def _after_a_failure(scene: Scene) -> None:
    story = _till(scene)
    story.call("refund", **REFUND)
    story.result("the ledger is locked, try again", status="error", error_type="Conflict")
    story.ask("refund", "refunded", **REFUND)
    story.call("pay_invoice", **INVOICE)
    story.result(None, status="rejected")
    story.ask("pay_invoice", "paid", **INVOICE)
    for answer in ('{"error": "who is the customer?"}', "added"):
        story.ask("add_note", answer, text="Wants a call back.")
    again = _till(scene)
    again.call("add_note", customer="c-22", text="Wants a call back.")
    again.result("connection refused", status="error", error_type="ConnectionRefusedError")
    again.end("failed")
    third = _till(scene)
    third.wait(60)
    third.ask("add_note", "added", customer="c-22", text="Wants a call back.")
    third.end()
    story.end()


def _made_sure(scene: Scene) -> None:
    story = _till(scene)
    story.call("refund", **REFUND)
    story.result(None, status="timeout")
    story.ask("get_order", "delivered, paid 42.50, nothing refunded", order="orders/7041")
    story.ask("refund", "refunded", **REFUND)
    story.end()


def _made_sure_by_a_list(scene: Scene) -> None:
    story = _till(scene)
    story.call("pay_invoice", **INVOICE)
    story.result("502 bad gateway", status="error", error_type="HttpError")
    story.ask("list_invoices", "2026-0117: open", limit=20)
    story.ask("pay_invoice", "paid", **INVOICE)
    story.end()


def _looked_at_other_things(scene: Scene) -> None:
    story = _till(scene)
    story.call("pay_invoice", **INVOICE)
    story.result(None, status="timeout")
    story.ask("list_orders", "7041: delivered")
    story.ask("list_invoices", "2025-0003: paid", invoice="2025-0003")
    story.ask("pay_invoice", "paid", **INVOICE)
    story.end()


def _a_person_asks_again(scene: Scene) -> None:
    story = _till(scene)
    story.prompt("Add a note: wants a call back.")
    story.ask("add_note", "added", customer="c-22", text="Wants a call back.")
    story.prompt("They called again. Add the same note once more.")
    story.ask("add_note", "added", customer="c-22", text="Wants a call back.")
    story.end()


def _the_next_day(scene: Scene) -> None:
    for day in range(3):
        story = _till(scene, start_us=scene.start_us + day * 86_400_000_000)
        story.ask("add_note", "added", customer="c-22", text="Checked in.")
        story.end()


def _reads_and_settings(scene: Scene) -> None:
    story = _till(scene)
    for _ in range(2):
        story.ask("get_order", "packed", order="orders/7041")
        story.ask("set_plan", "set", customer="c-22", plan="basic")
    again = _till(scene)
    again.ask("set_plan", "set", customer="c-22", plan="basic")
    again.end()
    story.end()


def _for_different_customers(scene: Scene) -> None:
    for customer in ("c-22", "c-23"):
        story = _till(scene)
        story.say("outcome", {"name": "opened", "kind": "business"}, customer_id=customer)
        story.ask("add_note", "added", text="Wants a call back.")
        story.end()


_ONE: Final = (Fires("duplicate_action", severity="high"),)

SEQUENCES: Final = (
    Sequence(
        "again-after-a-timeout",
        MODE,
        "A refund times out and is made again, though it may have gone through.",
        _again_after_a_timeout,
        (Fires("duplicate_action", severity="high", evidence={"reason": "unsure", "repeats": 1}),),
    ),
    Sequence(
        "again-after-success",
        MODE,
        "The agent forgets that it has refunded, and does it again.",
        _again_after_success,
        (Fires("duplicate_action", severity="high", evidence={"reason": "done"}),),
    ),
    Sequence(
        "twice-at-once",
        MODE,
        "One answer of the model holds the same call twice.",
        _twice_at_once,
        (Fires("duplicate_action", severity="medium", evidence={"reason": "running", "effect": "write"}),),
    ),
    Sequence(
        "a-fresh-key-for-the-retry",
        MODE,
        "The retry after a lost answer has an idempotency key of its own.",
        _a_fresh_key_for_the_retry,
        (Fires("duplicate_action", severity="high", evidence={"reason": "new_key"}),),
    ),
    Sequence(
        "started-again",
        MODE,
        "A job dies after the refund and is started again.",
        _started_again,
        _ONE,
    ),
    Sequence(
        "looked-at-other-things",
        MODE,
        "Between timeout and retry the agent reads other orders and another invoice.",
        _looked_at_other_things,
        (Fires("duplicate_action", severity="high", evidence={"reason": "unsure"}),),
    ),
    Sequence("two-agents", MODE, "Two agents refund the same order at the same time.", _two_agents, _ONE),
    Sequence("the-same-key", MODE, "Retries under the key of the first attempt.", _the_same_key),
    Sequence("other-things", MODE, "Refunds of other orders and other amounts.", _other_things),
    Sequence("after-a-failure", MODE, "Retries of calls that had failed before they did anything.", _after_a_failure),
    Sequence("made-sure", MODE, "After a timeout the agent looks whether it went through, then retries.", _made_sure),
    Sequence("made-sure-by-a-list", MODE, "It looks by a list of all that there are.", _made_sure_by_a_list),
    Sequence("a-person-asks-again", MODE, "A person wants the same note twice.", _a_person_asks_again),
    Sequence("the-next-day", MODE, "The same note on three days.", _the_next_day),
    Sequence("reads-and-settings", MODE, "Reading twice, and setting what is set.", _reads_and_settings),
    Sequence("for-different-customers", MODE, "The same note for two customers.", _for_different_customers),
)
