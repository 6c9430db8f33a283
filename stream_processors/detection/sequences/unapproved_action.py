"""Sequences of `unapproved_action`."""

from __future__ import annotations

from typing import Any, Final

from watchkeeper.schemas.model import from_us
from watchkeeper.schemas.policy import AgentPolicy
from watchkeeper.stream_processors.detection.sequences.sequence import Fires, Scene, Sequence
from watchkeeper.stream_processors.detection.sequences.story import Story

MODE: Final = "unapproved_action"
POLICY: Final = AgentPolicy.model_validate(
    {
        "agent": "refund-desk",
        "tools": {
            "refund_order": {"effect": "irreversible", "approval": {"argument": "amount", "above": 100.0}},
            "close_account": {"effect": "irreversible", "approval": {"approvers": ["*@example.com"]}},
        },
    }
)


def _desk(scene: Scene) -> Story:
    story = scene.story(agent="refund-desk", policy=POLICY)
    story.start()
    return story


def _word(story: Story, status: str, approval: str = "a-1", **data: Any) -> None:
    """Somebody says something about an approval, in a web page: a writer of its own."""
    story.writer = "desk-page"
    story.say("approval", {"approval_id": approval, "status": status, "approver": "ann@example.com"} | data)
    story.writer = "w-1"


def _nobody_asked(scene: Scene) -> None:
    story = _desk(scene)
    story.ask("refund_order", "done", order_id="7", amount=250)
    story.end()


def _denied(scene: Scene) -> None:
    story = _desk(scene)
    _word(story, "requested", action="refund_order 7", limits={"amount": 250})
    _word(story, "denied")
    story.ask("refund_order", "done", order_id="7", amount=250)
    story.end()


def _afterwards(scene: Scene) -> None:
    story = _desk(scene)
    story.call("refund_order", call_id="c-9", order_id="7", amount=250)
    story.result("done")
    _word(story, "granted", tool_call_id="c-9")
    story.end()


def _for_less(scene: Scene) -> None:
    story = _desk(scene)
    _word(story, "granted", action="refund_order", limits={"amount": 150})
    story.ask("refund_order", "done", order_id="7", amount=250)
    story.end()


def _twice(scene: Scene) -> None:
    story = _desk(scene)
    _word(story, "granted", action="refund order", limits={"amount": 250})
    story.ask("refund_order", "done", order_id="7", amount=250)
    story.ask("refund_order", "done again", order_id="8", amount=250)
    story.end()


def _by_itself(scene: Scene) -> None:
    story = _desk(scene)
    _word(story, "granted", action="refund_order", approver="Refund-Desk")
    story.ask("refund_order", "done", order_id="7", amount=250)
    story.end()


def _expired(scene: Scene) -> None:
    story = _desk(scene)
    _word(story, "granted", action="refund_order", expires_at=from_us(story.now_us + 60_000_000))
    story.wait(90)
    story.ask("refund_order", "done", order_id="7", amount=250)
    story.end()


def _by_the_wrong_person(scene: Scene) -> None:
    story = _desk(scene)
    _word(story, "granted", action="close_account", approver="visitor@elsewhere.example")
    story.ask("close_account", "closed", account="A-1")
    story.end()


def _hangs_unapproved(scene: Scene) -> None:
    story = _desk(scene)
    story.call("refund_order", order_id="7", amount=250)
    scene.silence_seconds = 30


def _not_waited_for(scene: Scene) -> None:
    story = _desk(scene)
    _word(story, "requested", action="refund_order")
    story.ask("refund_order", "done", order_id="7", amount=250)
    story.end()


def _asked_and_granted(scene: Scene) -> None:
    story = _desk(scene)
    _word(story, "requested", action="refund_order", limits={"amount": 250, "order_id": "7"})
    story.wait(30)
    _word(story, "granted")
    story.ask("refund_order", "done", order_id="7", amount=250)
    story.end()


def _waits_within_the_call(scene: Scene) -> None:
    story = _desk(scene)
    story.call("refund_order", call_id="c-9", order_id="7", amount=250)
    _word(story, "requested", tool_call_id="c-9")
    story.wait(45)
    _word(story, "granted")
    story.result("done")
    story.end()


def _refused_by_the_guard(scene: Scene) -> None:
    story = _desk(scene)
    story.call("refund_order", order_id="7", amount=250)
    story.result("needs approval", status="rejected")
    _word(story, "requested", action="refund_order")
    _word(story, "denied")
    story.end()


def _retried_after_a_failure(scene: Scene) -> None:
    story = _desk(scene)
    _word(story, "granted", action="refund_order", limits={"amount": 250})
    story.call("refund_order", order_id="7", amount=250)
    story.result("the bank does not answer", status="error")
    story.ask("refund_order", "done", order_id="7", amount=250)
    story.end()


def _three_for_one_word(scene: Scene) -> None:
    story = _desk(scene)
    _word(story, "granted", action="close_account", limits={"calls": 3, "account": ["A-1", "A-2", "A-3"]})
    for number in (1, 2, 3):
        story.ask("close_account", f"closed {number}", account=f"A-{number}")
    story.end()


def _at_the_threshold(scene: Scene) -> None:
    story = _desk(scene)
    story.ask("refund_order", "done", order_id="7", amount=100)
    story.end()


def _denied_then_granted(scene: Scene) -> None:
    story = _desk(scene)
    _word(story, "denied", action="refund_order", limits={"amount": 250})
    _word(story, "granted", "a-2", action="refund_order", limits={"amount": 200})
    story.ask("refund_order", "done", order_id="7", amount=200)
    story.end()


def _arrives_late(scene: Scene) -> None:
    story = _desk(scene)
    granted_us = story.now_us
    story.wait(1)
    story.call("refund_order", order_id="7", amount=250)
    story.result("done")
    story.writer = "desk-page"
    said = {"approval_id": "a-1", "status": "granted", "approver": "ann@example.com", "action": "refund_order"}
    story.say("approval", said, occurred_at=from_us(granted_us))
    story.writer = "w-1"
    story.end()


def _fires(reason: str, severity: Any = "high", status: str = "open", **evidence: Any) -> tuple[Fires, ...]:
    return (Fires("unapproved_action", severity=severity, status=status, evidence={"reason": reason} | evidence),)


SEQUENCES: Final = (
    Sequence(
        "nobody-asked",
        MODE,
        "A refund above the threshold, and nobody was asked.",
        _nobody_asked,
        _fires("nobody_asked", path="/amount", got="250", above=100.0, outcome="ok"),
    ),
    Sequence("denied", MODE, "A person said no, and it was done.", _denied, _fires("denied", "critical")),
    Sequence("afterwards", MODE, "It was approved when it was done.", _afterwards, _fires("after_the_fact", "medium")),
    Sequence(
        "for-less",
        MODE,
        "The approval was for a smaller amount.",
        _for_less,
        _fires("beyond_its_limits", limit="amount"),
    ),
    Sequence("twice", MODE, "One approval, two refunds.", _twice, _fires("used_before")),
    Sequence("by-itself", MODE, "The agent approves itself.", _by_itself, _fires("by_the_agent", "critical")),
    Sequence("expired", MODE, "The approval was for the next minute alone.", _expired, _fires("expired")),
    Sequence(
        "by-the-wrong-person",
        MODE,
        "Somebody approves whom the policy does not name.",
        _by_the_wrong_person,
        _fires("not_entitled"),
    ),
    Sequence(
        "hangs-unapproved",
        MODE,
        "The action begins without approval and never answers.",
        _hangs_unapproved,
        _fires("nobody_asked", outcome="running"),
    ),
    Sequence(
        "not-waited-for", MODE, "Approval is asked for, and not waited for.", _not_waited_for, _fires("not_answered")
    ),
    Sequence("asked-and-granted", MODE, "A person is asked, thinks, and says yes.", _asked_and_granted),
    Sequence("waits-within-the-call", MODE, "The call begins, and waits for a person.", _waits_within_the_call),
    Sequence("refused-by-the-guard", MODE, "The guard refuses the call, and so does a person.", _refused_by_the_guard),
    Sequence("retried-after-a-failure", MODE, "The first attempt failed: nothing was done.", _retried_after_a_failure),
    Sequence("three-for-one-word", MODE, "The approval is for three named accounts.", _three_for_one_word),
    Sequence("at-the-threshold", MODE, "Exactly as much as needs no approval.", _at_the_threshold),
    Sequence("denied-then-granted", MODE, "A person says no, and yes to less.", _denied_then_granted),
    Sequence(
        "arrives-late",
        MODE,
        "The approval was given in time, and its event comes after the call's.",
        _arrives_late,
        _fires("nobody_asked", status="resolved"),
    ),
)
