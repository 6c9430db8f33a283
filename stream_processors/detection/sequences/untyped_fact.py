"""Decisions on values that are not what they were declared to be, and on values that merely look unusual."""

from __future__ import annotations

from typing import Any, Final

from watchkeeper.schemas.failure_modes import FailureMode
from watchkeeper.schemas.policy import AgentPolicy
from watchkeeper.stream_processors.detection.sequences.sequence import Fires, Scene, Sequence
from watchkeeper.stream_processors.detection.sequences.story import Story

MODE: Final[FailureMode] = "untyped_fact"

_CREDIT: Final[dict[str, Any]] = {
    "agent": "credit",
    "facts": {
        "plan": {"type": "text", "required": True, "one_of": ["Free", "Pro"]},
        "balance": {"type": "number", "required": True, "minimum": 0},
        "seats": {"type": "integer", "maximum": 1000},
        "in_arrears": {"type": "boolean", "decisions": ["grant_credit"], "required": True},
        "since": {"type": "date"},
        "note": {"type": "text", "nullable": True, "pii": True},
    },
}
CREDIT: Final = AgentPolicy.model_validate(_CREDIT)
READING: Final = AgentPolicy.model_validate(
    {
        "agent": "reader",
        "facts": {
            "plan": {"type": "text", "one_of": ["free", "pro"], "normalize": ["trim", "lower"]},
            "balance": {"type": "number", "normalize": ["money"]},
            "since": {"type": "date", "normalize": ["iso_date", "us_date"]},
            "in_arrears": {"type": "boolean", "normalize": ["yes_no"]},
        },
    }
)
CLOSED: Final = AgentPolicy.model_validate(_CREDIT | {"agent": "closed", "allow_undeclared_facts": False})

_GOOD: Final[dict[str, Any]] = {"plan": "Pro", "balance": 4800.0, "in_arrears": False}


def _decide(story: Story, outcome: Any = "granted", /, name: str = "grant_credit", **facts: Any) -> None:
    number = len(story.events)
    story.say("decision", {"decision_id": f"d-{number}", "name": name, "facts": facts, "outcome": outcome})


def _desk(scene: Scene, policy: AgentPolicy | None = CREDIT) -> Story:
    story = scene.story(agent=policy.agent if policy else "credit", policy=policy)
    story.start()
    return story


def _money_as_text(scene: Scene) -> None:
    story = _desk(scene)
    _decide(story, **_GOOD | {"balance": "$4,800.00"})
    story.end()


def _plan_in_other_case(scene: Scene) -> None:
    story = _desk(scene)
    for _ in range(5):
        _decide(story, **_GOOD | {"plan": "pro"})
    story.end()


def _null_balance(scene: Scene) -> None:
    story = _desk(scene)
    _decide(story, **_GOOD | {"balance": None})
    story.end()


def _nobody_asked(scene: Scene) -> None:
    story = _desk(scene)
    _decide(story, plan="Free", balance=0)
    story.end()


def _not_a_number(scene: Scene) -> None:
    story = _desk(scene)
    _decide(story, **_GOOD | {"balance": "NaN"})
    story.end()


def _yes_for_true(scene: Scene) -> None:
    story = _desk(scene)
    _decide(story, **_GOOD | {"in_arrears": "no", "since": "03/04/2026"})
    story.end()


def _negative_balance(scene: Scene) -> None:
    story = _desk(scene)
    _decide(story, **_GOOD | {"balance": -0.01, "seats": 1001})
    story.end()


def _undeclared(scene: Scene) -> None:
    story = _desk(scene, CLOSED)
    _decide(story, **_GOOD | {"vip": True})
    story.end()


def _extracted_as_text(scene: Scene) -> None:
    story = _desk(scene)
    values = {"balance": {"value": "4 800"}, "plan": {"value": None}, "page": {"value": "7"}}
    story.say("checkpoint", {"checkpoint_id": "k-1", "values": values}, step="extract")
    story.end()


def _read_by_rule(scene: Scene) -> None:
    story = _desk(scene, READING)
    _decide(story, plan=" Pro ", balance="$4,800.00", since="3/31/2026", in_arrears="Yes")
    story.end()


def _rule_does_not_help(scene: Scene) -> None:
    story = _desk(scene, READING)
    _decide(story, plan="Pro", balance="about 4800", since="13/13/2026")
    story.end()


def _as_declared(scene: Scene) -> None:
    story = _desk(scene)
    _decide(story, **_GOOD | {"seats": 12, "since": "2026-01-31", "note": None})
    _decide(story, **_GOOD | {"seats": 12.0, "balance": 0, "note": "asked twice"})
    story.end()


def _another_decision(scene: Scene) -> None:
    story = _desk(scene)
    _decide(story, "sent", name="send_reminder", plan="Free", balance=12.5)
    story.end()


def _rules_with_nothing_to_do(scene: Scene) -> None:
    story = _desk(scene, READING)
    _decide(story, plan="pro", balance=4800, since="2026-03-31", in_arrears=True)
    story.end()


def _nothing_declared(scene: Scene) -> None:
    story = _desk(scene, None)
    _decide(story, plan="pro", balance="$4,800.00", since=None)
    story.end()


def _beside_what_is_declared(scene: Scene) -> None:
    story = _desk(scene)
    _decide(story, **_GOOD | {"ticket": "#1,204", "vip": "yes"})
    story.end()


def _not_extracted_yet(scene: Scene) -> None:
    story = _desk(scene)
    story.say("checkpoint", {"checkpoint_id": "k-1", "values": {"plan": {"value": None}}}, step="extract")
    story.say("checkpoint", {"checkpoint_id": "k-2", "values": {"plan": {"value": "Pro"}}}, step="extract")
    _decide(story, **_GOOD)
    story.end()


def _fires(fault: str, fact: str, **more: Any) -> Fires:
    return Fires("untyped_fact", severity="medium", evidence={"fault": fault, "fact": fact} | more)


SEQUENCES: Final = (
    Sequence(
        "money-as-text",
        MODE,
        "The balance comes as a text with a currency sign, and no rule says how to read it.",
        _money_as_text,
        (_fires("wrong_type", "balance"),),
    ),
    Sequence(
        "plan-in-other-case",
        MODE,
        'Five decisions rest on "pro" where "Pro" is declared: one finding that counts.',
        _plan_in_other_case,
        (_fires("not_one_of", "plan", got='"pro"', count=4),),
    ),
    Sequence("null-balance", MODE, "The balance is null.", _null_balance, (_fires("null", "balance"),)),
    Sequence(
        "nobody-asked",
        MODE,
        "A credit is granted though nobody knows of arrears.",
        _nobody_asked,
        (_fires("missing", "in_arrears"),),
    ),
    Sequence("not-a-number", MODE, "The balance is NaN.", _not_a_number, (_fires("not_finite", "balance"),)),
    Sequence(
        "yes-for-true",
        MODE,
        "A word where a boolean is declared, and a day that may be March or April.",
        _yes_for_true,
        (_fires("wrong_type", "in_arrears"), _fires("wrong_type", "since")),
    ),
    Sequence(
        "beyond-its-limits",
        MODE,
        "A balance of minus one cent, and one seat too many.",
        _negative_balance,
        (_fires("below_minimum", "balance"), _fires("above_maximum", "seats")),
    ),
    Sequence(
        "undeclared",
        MODE,
        "A decision rests on a fact that nobody declared, where only declared ones are allowed.",
        _undeclared,
        (Fires("untyped_fact", severity="low", evidence={"fault": "undeclared", "fact": "vip"}),),
    ),
    Sequence(
        "extracted-as-text",
        MODE,
        "A step extracts the balance as a text with a gap in it.",
        _extracted_as_text,
        (_fires("wrong_type", "balance", where="checkpoint", name="extract"),),
    ),
    Sequence(
        "read-by-rule",
        MODE,
        "Four facts come in other spellings, each with a rule that reads it: nothing is wrong, and it is counted.",
        _read_by_rule,
        (Fires("normalized_fact", severity="info", times=4),),
    ),
    Sequence(
        "rule-does-not-help",
        MODE,
        "Rules read what they are for, and guess nothing.",
        _rule_does_not_help,
        (
            _fires("wrong_type", "balance"),
            _fires("wrong_type", "since"),
            Fires("normalized_fact", severity="info", evidence={"fact": "plan"}),
        ),
    ),
    Sequence("as-declared", MODE, "Facts as declared; 12.0 is a whole number, 0 a number.", _as_declared),
    Sequence("another-decision", MODE, "A decision that does not need the fact goes without it.", _another_decision),
    Sequence(
        "rules-with-nothing-to-do", MODE, "Values stand as their rules would have them.", _rules_with_nothing_to_do
    ),
    Sequence("nothing-declared", MODE, "No policy declares a fact.", _nothing_declared),
    Sequence("beside-what-is-declared", MODE, "Facts beside the declared ones are free.", _beside_what_is_declared),
    Sequence("not-extracted-yet", MODE, "A value is null until it was extracted.", _not_extracted_yet),
)
