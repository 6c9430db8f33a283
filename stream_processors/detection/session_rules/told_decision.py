"""Tells stage 2 what was decided on which facts (`equal_facts` compares).

What it sees. Each decision that claims to follow from its facts: it names the rules that took part, or all its facts
are declared in the policy. What it claims is that the same facts and the same rules give the same outcome.

Not told, since it cannot be compared: a decision without facts or without an outcome; an outcome that is nothing but
ids, times and wording; facts among which a mask hides different values behind one text; what is decided after a person
granted or refused something in the session, for the person's word is not among the facts.

Method. Facts and outcome in one spelling (`decision_facts`). The subject's name is keyed, over the agent, the
decision's name, the facts, and the versions of the rules; where no rules are named, over the agent's version and its
policy in place of them. So decisions by different versions never meet.

Parameters: `facts` of the policy: `ignore` for ids and the time of the request, `unordered`, `normalize`.

What it gets wrong. An agent that rests on more than the facts it tells (the wording of a request, the time of day) is
accused, and rightly so: its decisions cannot be explained by their facts. Facts that hold an undeclared id are equal
to no others, and nothing is found; and outcomes that differ in nothing but a date or a reason pass for the same.
Decisions that come late are not told.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import orjson

from watchkeeper.schemas.events import Approval, Decision, Event
from watchkeeper.schemas.signals import DecisionMade, subject_of
from watchkeeper.stream_processors.detection.decision_facts import facts_compared, hides_values, outcome_compared
from watchkeeper.stream_processors.detection.detector import Context, Detector, Said, Told
from watchkeeper.stream_processors.detection.session_rules.violations import describe, key, outline

MAX_NAMES = 16
"""Of facts and of rules that a finding lists."""

_ANSWERED = frozenset({"granted", "denied"})


@dataclass(slots=True)
class ToldDecisionsState:
    """What is kept between events.

    Attributes:
        answered: whether a person granted or refused something.
    """

    answered: bool = False


class ToldDecisions(Detector[ToldDecisionsState]):
    """See the module."""

    rule_id = "told_decision"
    failure_mode = "nondeterministic_decision"
    listens = frozenset({"decision", "approval"})
    state_type = ToldDecisionsState

    def step(self, state: ToldDecisionsState, event: Event, context: Context) -> Iterable[Said]:
        """See `Detector.step`."""
        if type(event) is Approval:
            state.answered = state.answered or event.data.status in _ANSWERED
        elif type(event) is Decision and not state.answered and _claims_to_follow(event, context):
            return _told(event, context)
        return ()


def _claims_to_follow(event: Decision, context: Context) -> bool:
    declared = context.policy.facts
    return bool(event.data.rules) or bool(declared and all(name in declared for name in event.data.facts))


def _told(event: Decision, context: Context) -> list[Told]:
    data, session = event.data, context.session
    facts = facts_compared(data.facts, context.policy.facts)
    outcome = outcome_compared(data.outcome)
    if not facts or outcome is None or hides_values(data.facts):
        return []
    rules = sorted(f"{key(rule.name)} {key(rule.version)}".rstrip() for rule in data.rules)
    versions = sorted([rule.name, rule.version] for rule in data.rules)
    by: Any = versions or [session.agent_version, session.policy_address]
    name = context.keys.name(session.tenant_id, "decision", session.agent_id, data.name, _plain(facts), by)
    return [
        Told(
            about=(event.event_id,),
            subject=subject_of("facts", session.tenant_id, session.origin, name),
            kind=DecisionMade,
            values={
                "event_id": event.event_id,
                "decision_id": data.decision_id,
                "decision": data.name,
                "outcome": context.keys.name(session.tenant_id, "outcome", outcome.decode()),
                "described": outline(data.outcome) if isinstance(data.outcome, dict) else describe(data.outcome),
                "facts": [key(name) for name in sorted(facts)[:MAX_NAMES]],
                "rules": rules[:MAX_NAMES],
            },
        )
    ]


def _plain(facts: dict[str, Any]) -> str:
    return orjson.dumps(facts, option=orjson.OPT_SORT_KEYS).decode()
