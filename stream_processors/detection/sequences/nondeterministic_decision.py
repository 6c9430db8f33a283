"""Equal facts decided differently, and decisions that differ for a reason."""

from __future__ import annotations

from typing import Any, Final

from watchkeeper.schemas.failure_modes import FailureMode
from watchkeeper.schemas.policy import AgentPolicy
from watchkeeper.stream_processors.detection.sequences.sequence import Fires, Scene, Sequence
from watchkeeper.stream_processors.detection.sequences.story import Story

MODE: Final[FailureMode] = "nondeterministic_decision"

_DAY_US: Final = 86_400_000_000

CREDIT: Final = AgentPolicy.model_validate(
    {
        "agent": "credit",
        "facts": {
            "balance": {"type": "number", "normalize": ["money"]},
            "plan": {"type": "text"},
            "flags": {"type": "list", "unordered": True},
            "request_id": {"type": "text", "ignore": True},
            "asked_at": {"type": "timestamp", "ignore": True},
        },
    }
)
RULE: Final[dict[str, Any]] = {"name": "credit-limit", "version": "7"}


def _decide(
    scene: Scene,
    outcome: Any,
    /,
    *,
    rules: list[dict[str, Any]] | None = None,
    policy: AgentPolicy | None = None,
    agent: str = "credit",
    **facts: Any,
) -> Story:
    """A session of one decision; later sessions come later."""
    story = scene.story(agent=agent, policy=policy)
    story.start()
    _add(story, outcome, [RULE] if rules is None else rules, facts)
    story.end()
    scene.start_us += 60_000_000
    return story


def _add(story: Story, outcome: Any, rules: list[dict[str, Any]], facts: dict[str, Any], decision: str = "") -> None:
    number = decision or f"{len(story.events)}"
    decided = {"decision_id": f"d-{number}", "name": "grant_credit", "facts": facts, "rules": rules, "outcome": outcome}
    story.say("decision", decided)


def _granted_and_refused(scene: Scene) -> None:
    _decide(scene, "granted", balance=120, plan="pro")
    _decide(scene, "refused", plan="pro", balance=120.0)


def _three_amounts(scene: Scene) -> None:
    for credit in (50, 75, 100):
        _decide(scene, {"credit": credit, "credit_id": f"cr-{credit}"}, balance=0.3)


def _by_declared_facts(scene: Scene) -> None:
    for number, outcome in enumerate(["granted", "refused"]):
        _decide(
            scene,
            outcome,
            rules=[],
            policy=CREDIT,
            balance=["$4,800.00", 4800][number],
            flags=[["a", "b"], ["b", "a"]][number],
            request_id=f"r-{number}",
            asked_at=f"2026-01-0{number + 1}T10:00:00Z",
        )


def _one_in_many(scene: Scene) -> None:
    for number in range(9):
        _decide(scene, "granted" if number != 6 else "refused", balance=120, plan="pro")


def _within_a_session(scene: Scene) -> None:
    story = scene.story(agent="credit")
    story.start()
    for outcome in ("granted", "refused"):
        _add(story, outcome, [RULE], {"balance": 120})
    story.end()


def _another_rule(scene: Scene) -> None:
    _decide(scene, "granted", balance=120)
    _decide(scene, "refused", balance=120, rules=[{"name": "credit-limit", "version": "8"}])


def _other_facts(scene: Scene) -> None:
    _decide(scene, "granted", balance=120, plan="pro")
    _decide(scene, "refused", balance=120, plan="free")
    _decide(scene, "refused", balance=120)
    _decide(scene, "review", balance=120, plan=None)


def _other_ids_and_words(scene: Scene) -> None:
    for number in range(4):
        _decide(
            scene,
            {
                "status": "Granted" if number % 2 else "granted",
                "credit": [50, 50.0][number % 2],
                "credit_id": f"cr-{number}",
                "granted_at": f"2026-01-0{number + 1}T10:00:00Z",
                "reason": f"Customer for {number} years.",
                "letter": f"Dear customer number {number}, we are glad to tell you that it is granted.",
            },
            balance=120,
        )


def _by_another_agent(scene: Scene) -> None:
    _decide(scene, "granted", balance=120)
    _decide(scene, "refused", balance=120, agent="collections")


def _a_person_said_no(scene: Scene) -> None:
    _decide(scene, "granted", balance=120)
    story = scene.story(agent="credit")
    story.start()
    _add(story, "granted", [RULE], {"balance": 120})
    story.say("approval", {"approval_id": "a-1", "status": "denied", "approver": "kim"})
    _add(story, "refused", [RULE], {"balance": 120})
    story.end()


def _corrected(scene: Scene) -> None:
    story = scene.story(agent="credit")
    story.start()
    _add(story, "pending", [RULE], {"balance": 120}, decision="1")
    _add(story, "granted", [RULE], {"balance": 120}, decision="1")
    story.end()
    scene.start_us += 60_000_000
    _decide(scene, "granted", balance=120)


def _corrected_later(scene: Scene) -> None:
    story = scene.story(agent="credit")
    story.start()
    _add(story, "pending", [RULE], {"balance": 120}, decision="1")
    scene.start_us += 60_000_000
    _decide(scene, "granted", balance=120)
    story.wait(100)
    _add(story, "granted", [RULE], {"balance": 120}, decision="1")
    story.end()


def _in_another_season(scene: Scene) -> None:
    _decide(scene, "granted", paid_on="2026-01-01")
    scene.start_us += 31 * _DAY_US
    _decide(scene, "refused", paid_on="2026-01-01")


def _a_model_that_claims_nothing(scene: Scene) -> None:
    _decide(scene, "refund", rules=[], intent="complaint")
    _decide(scene, "escalate", rules=[], intent="complaint")


def _without_facts(scene: Scene) -> None:
    _decide(scene, "granted")
    _decide(scene, "refused")


def _differ(decision: str = "grant_credit") -> tuple[Fires, ...]:
    return (Fires("different_outcomes", severity="high", evidence={"decision": decision}),)


SEQUENCES: Final = (
    Sequence(
        "granted-and-refused",
        MODE,
        "Two customers with the same balance and plan: one is granted what the other is refused.",
        _granted_and_refused,
        _differ(),
    ),
    Sequence("three-amounts", MODE, "The same balance leads to three different credits.", _three_amounts, _differ()),
    Sequence(
        "by-declared-facts",
        MODE,
        "Facts that differ in spelling, order, id and time alone, by their declarations.",
        _by_declared_facts,
        (*_differ(), Fires("normalized_fact", failure_mode="untyped_fact")),
    ),
    Sequence("one-in-many", MODE, "The seventh of nine equal cases is refused.", _one_in_many, _differ()),
    Sequence("within-a-session", MODE, "The agent decides twice in one session.", _within_a_session, _differ()),
    Sequence("another-rule", MODE, "The rule was changed, and its version says so.", _another_rule),
    Sequence("other-facts", MODE, "A fact differs, is absent, or is null.", _other_facts),
    Sequence("other-ids-and-words", MODE, "Outcomes differ in ids, times and wording.", _other_ids_and_words),
    Sequence("by-another-agent", MODE, "Another agent decides by its own lights.", _by_another_agent),
    Sequence("a-person-said-no", MODE, "A person refuses what the facts allow.", _a_person_said_no),
    Sequence(
        "corrected",
        MODE,
        "A decision that was pending is told again under its own id.",
        _corrected,
    ),
    Sequence(
        "corrected-later",
        MODE,
        "The same, with another customer's decision in between: the finding is taken back.",
        _corrected_later,
        (Fires("different_outcomes", status="resolved"),),
    ),
    Sequence("in-another-season", MODE, "A month later the deadline has passed.", _in_another_season),
    Sequence(
        "a-model-that-claims-nothing",
        MODE,
        "Decisions that name no rules and declare no facts: nobody said that these decide.",
        _a_model_that_claims_nothing,
    ),
    Sequence("without-facts", MODE, "Decisions that tell no facts.", _without_facts),
)
