"""Agents that act beyond what was delegated to them."""

from __future__ import annotations

from typing import Final

from watchkeeper.stream_processors.detection.sequences.delegations import after, end, first_of, hand
from watchkeeper.stream_processors.detection.sequences.sequence import Fires, Scene, Sequence

MODE: Final = "cascading_approval"


def _a_refund_above_its_limit(scene: Scene) -> None:
    first = first_of(scene)
    second = hand(scene, first, "support", grant_id="g-1", scope=["orders:read", "refunds:write<=500"])
    second.ask("get_order", "shipped", order="orders/7")
    second.ask("refund", "done", order="orders/7", amount=800)
    end(first, second)


def _a_call_after_the_end(scene: Scene) -> None:
    first = first_of(scene)
    second = hand(scene, first, "support", grant_id="g-1", scope=["orders:read"], expires_at=after(first, 20))
    second.ask("get_order", "shipped", order="orders/7")
    second.wait(25)
    second.ask("get_order", "delivered", order="orders/8")
    end(first, second)


def _the_guard_refuses_it(scene: Scene) -> None:
    first = first_of(scene)
    second = hand(scene, first, "support", grant_id="g-1", scope=["refunds:write<=500"])
    second.call("refund", order="orders/7", amount=800)
    second.result("at most 500", status="rejected")
    second.ask("refund", "done", order="orders/7", amount=500)
    end(first, second)


SEQUENCES: Final = (
    Sequence(
        "a-refund-above-its-limit",
        MODE,
        "An agent refunds more than its grant allows.",
        _a_refund_above_its_limit,
        (Fires("action_beyond_grant", severity="high", evidence={"reason": "beyond_scope", "amount": 800.0}),),
    ),
    Sequence(
        "a-call-after-the-end",
        MODE,
        "The first call is in time, the second after the grant has ended.",
        _a_call_after_the_end,
        (Fires("action_beyond_grant", severity="high", evidence={"reason": "expired"}),),
    ),
    Sequence(
        "the-guard-refuses-it",
        MODE,
        "A call beyond the grant is refused before it runs.",
        _the_guard_refuses_it,
        (Fires("action_beyond_grant", status="resolved"),),
    ),
)
