"""Sequences of `cascading_approval`."""

from __future__ import annotations

from typing import Any, Final

from watchkeeper.stream_processors.detection.sequences.delegations import STRICT, after, begun, end, first_of, hand
from watchkeeper.stream_processors.detection.sequences.sequence import Fires, Scene, Sequence

MODE: Final = "cascading_approval"


def _a_scope_out_of_nothing(scene: Scene) -> None:
    first = first_of(scene)
    second = hand(scene, first, "support", grant_id="g-1", scope=["orders:*"], delegable=["orders:*"])
    third = hand(scene, second, "helper", grant_id="g-2", scope=["orders:read", "refunds:write"])
    end(first, second, third)


def _handed_on_what_was_for_itself(scene: Scene) -> None:
    first = first_of(scene)
    second = hand(
        scene, first, "support", grant_id="g-1", scope=["orders:read", "refunds:write"], delegable=["orders:read"]
    )
    third = hand(scene, second, "helper", grant_id="g-2", parent_grant_id="g-1", scope=["refunds:write"])
    end(first, second, third)


def _a_higher_limit(scene: Scene) -> None:
    first = first_of(scene)
    limited = ["refunds:write<=500"]
    second = hand(scene, first, "support", grant_id="g-1", scope=limited, delegable=limited)
    third = hand(scene, second, "helper", grant_id="g-2", scope=["refunds:write<=5000"])
    end(first, second, third)


def _by_a_grant_that_had_expired(scene: Scene) -> None:
    first = first_of(scene)
    rights = {"scope": ["orders:read"], "delegable": ["orders:read"], "expires_at": after(first, 30)}
    second = hand(scene, first, "support", grant_id="g-1", **rights)
    second.wait(31)
    third = hand(scene, second, "helper", grant_id="g-2", scope=["orders:read"])
    end(first, second, third)


def _a_grant_that_nobody_gave(scene: Scene) -> None:
    first = first_of(scene)
    second = hand(scene, first, "support", grant_id="g-1", scope=["orders:read"], delegable=["orders:read"])
    third = hand(scene, second, "helper", grant_id="g-2", parent_grant_id="g-7", scope=["orders:read"])
    end(first, second, third)


def _a_grant_of_somebody_else(scene: Scene) -> None:
    first = first_of(scene)
    lead = hand(scene, first, "lead", grant_id="g-1", scope=["refunds:*"], delegable=["refunds:*"])
    clerk = hand(scene, first, "clerk", grant_id="g-2", scope=["orders:read"], delegable=["orders:read"])
    helper = hand(scene, clerk, "helper", grant_id="g-3", parent_grant_id="g-1", scope=["refunds:write"])
    end(first, lead, clerk, helper)


def _one_hop_too_many(scene: Scene) -> None:
    first = first_of(scene, STRICT)
    rights = {"scope": ["orders:read"], "delegable": ["orders:read"]}
    second = hand(scene, first, "support", grant_id="g-1", granted_by="ada@example.com", **rights)
    third = hand(scene, second, "helper", grant_id="g-2", **rights)
    fourth = hand(scene, third, "intern", grant_id="g-3", **rights)
    fifth = hand(scene, fourth, "intern", grant_id="g-4", **rights)
    end(first, second, third, fourth, fifth)


def _a_looser_constraint_two_hops_down(scene: Scene) -> None:
    first = first_of(scene)
    second = hand(
        scene, first, "support", grant_id="g-1", scope=["*"], delegable=["*"], constraints={"regions": ["EU"]}
    )
    third = hand(scene, second, "helper", grant_id="g-2", scope=["orders:*"], delegable=["orders:*"])
    fourth = hand(scene, third, "intern", grant_id="g-3", scope=["orders:read"], constraints={"regions": ["EU", "US"]})
    end(first, second, third, fourth)


def _three_hops_each_narrower(scene: Scene) -> None:
    first = first_of(scene)
    second = hand(
        scene,
        first,
        "support",
        grant_id="g-1",
        granted_by="ada@example.com",
        scope=["orders:*", "refunds:*<=500"],
        delegable=["orders:*", "refunds:*<=100"],
        constraints={"max_items": 10, "regions": ["EU", "US"]},
        expires_at=after(first, 600),
    )
    third = hand(
        scene,
        second,
        "helper",
        grant_id="g-2",
        parent_grant_id="g-1",
        scope=["orders:read", "refunds:write<=100"],
        delegable=["orders:read"],
        constraints={"max_items": 3, "regions": ["EU"]},
        expires_at=after(second, 300),
    )
    fourth = hand(scene, third, "reader", grant_id="g-3", parent_grant_id="g-2", scope=["orders:read"])
    fourth.ask("get_order", "shipped", order="orders/7")
    third.now_us = fourth.now_us
    third.ask("refund", "done", order="orders/7", amount=100)
    end(first, second, third, fourth)


def _a_lead_who_may_not_do_it_itself(scene: Scene) -> None:
    first = first_of(scene)
    lead = hand(scene, first, "lead", grant_id="g-1", scope=["cases:read"], delegable=["refunds:write<=200"])
    clerk = hand(scene, lead, "clerk", grant_id="g-2", scope=["refunds:write<=200"])
    clerk.ask("refund", "done", order="orders/7", amount=199.99)
    end(first, lead, clerk)


def _nobody_names_scopes(scene: Scene) -> None:
    first = first_of(scene)
    second = hand(scene, first, "support", task=first.content("Find the order."))
    third = hand(scene, second, "helper", parent_grant_id="ticket-4711")
    third.ask("refund", "done", order="orders/7", amount=9000)
    end(first, second, third)


def _heard_in_the_wrong_order(scene: Scene) -> None:
    first = first_of(scene)
    rights = {"scope": ["orders:*"], "delegable": ["orders:*"]}
    # The sessions of this tree run on machines whose clocks are seconds ahead of the first one's.
    second = begun(scene, first, "support", first.now_us)
    third = hand(scene, second, "helper", grant_id="g-2", parent_grant_id="g-1", scope=["orders:read"])
    third.ask("get_order", "shipped", order="orders/7")
    told = {"delegation_id": "d-1", "child_session_id": second.session, "child_agent_id": "support"}
    first.now_us = third.now_us + 2_000_000
    first.say("delegation", told | {"grant_id": "g-1"} | rights)
    end(first, second, third)


def _a_second_grant_covers_it(scene: Scene) -> None:
    first = first_of(scene)
    second = hand(scene, first, "support", grant_id="g-1", scope=["orders:read"], delegable=["orders:read"])
    again = {"delegation_id": "d-again", "child_session_id": second.session, "child_agent_id": "support"}
    first.say("delegation", again | {"grant_id": "g-2", "scope": ["refunds:write"], "delegable": ["refunds:write"]})
    second.now_us = first.now_us
    second.ask("refund", "done", order="orders/7", amount=20)
    third = hand(scene, second, "helper", grant_id="g-3", scope=["refunds:write<=5"])
    end(first, second, third)


def _at_the_limits_of_a_strict_policy(scene: Scene) -> None:
    first = first_of(scene, STRICT)
    rights = {"scope": ["orders:read"], "delegable": ["orders:read"], "expires_at": after(first, 60)}
    second = hand(scene, first, "support", grant_id="g-1", granted_by="ada@example.com", **rights)
    third = hand(scene, second, "helper", grant_id="g-2", granted_by="support", **rights)
    third.ask("get_order", "shipped", order="orders/7")
    end(first, second, third)


def _broken(reason: str, severity: Any = "high") -> tuple[Fires, ...]:
    return (Fires("broken_delegation", severity=severity, evidence={"reason": reason}),)


SEQUENCES: Final = (
    Sequence(
        "a-scope-out-of-nothing",
        MODE,
        "An agent that was given orders hands on the right to refund.",
        _a_scope_out_of_nothing,
        (
            Fires(
                "broken_delegation", severity="high", evidence={"reason": "amplified", "exceeding": ["refunds:write"]}
            ),
        ),
    ),
    Sequence(
        "handed-on-what-was-for-itself",
        MODE,
        "An agent hands on a right that it may use and not delegate.",
        _handed_on_what_was_for_itself,
        _broken("not_delegable", "medium"),
    ),
    Sequence(
        "a-higher-limit",
        MODE,
        "The name is the same and the limit ten times higher.",
        _a_higher_limit,
        _broken("amplified"),
    ),
    Sequence(
        "by-a-grant-that-had-expired",
        MODE,
        "An agent delegates a second after its own grant has ended.",
        _by_a_grant_that_had_expired,
        _broken("expired"),
    ),
    Sequence(
        "a-grant-that-nobody-gave",
        MODE,
        "A delegation names a grant that does not exist as the one that it derives from.",
        _a_grant_that_nobody_gave,
        _broken("missing_parent"),
    ),
    Sequence(
        "a-grant-of-somebody-else",
        MODE,
        "A clerk delegates by the grant of the lead.",
        _a_grant_of_somebody_else,
        _broken("foreign_parent"),
    ),
    Sequence(
        "one-hop-too-many",
        MODE,
        "Two hops are allowed; the third is told, the fourth follows from it.",
        _one_hop_too_many,
        (Fires("broken_delegation", severity="medium", evidence={"reason": "too_deep", "depth": 3, "max_depth": 2}),),
    ),
    Sequence(
        "a-looser-constraint-two-hops-down",
        MODE,
        "A constraint is left out by one hop and loosened by the next.",
        _a_looser_constraint_two_hops_down,
        _broken("widened"),
    ),
    Sequence(
        "three-hops-each-narrower",
        MODE,
        "Scopes, limits, constraints and ends narrow from hop to hop.",
        _three_hops_each_narrower,
    ),
    Sequence(
        "a-lead-who-may-not-do-it-itself",
        MODE,
        "A lead hands on what it may delegate and not use.",
        _a_lead_who_may_not_do_it_itself,
    ),
    Sequence("nobody-names-scopes", MODE, "Work is delegated without a word about authority.", _nobody_names_scopes),
    Sequence(
        "heard-in-the-wrong-order",
        MODE,
        "What was delegated first is heard of last.",
        _heard_in_the_wrong_order,
    ),
    Sequence(
        "a-second-grant-covers-it",
        MODE,
        "A session that was given too little is given more, and uses it.",
        _a_second_grant_covers_it,
    ),
    Sequence(
        "at-the-limits-of-a-strict-policy",
        MODE,
        "As many hops as allowed, each with all that the giver has, for as long.",
        _at_the_limits_of_a_strict_policy,
    ),
)
