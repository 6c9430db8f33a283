"""What agents decide by declared facts: matters with facts of all types, each decided by one rule."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from random import Random
from typing import Any, Final

import orjson

from scorecard.desk import Desk

Draw = Callable[[Random], Any]
FIRST_DAY: Final = date(2023, 1, 1)


@dataclass(frozen=True, slots=True)
class Part:
    """A fact of a matter: how a policy declares it, and how it comes about."""

    declared: Mapping[str, Any]
    draw: Draw


@dataclass(frozen=True, slots=True)
class Matter:
    """Something that is decided again and again.

    Attributes:
        decision: its name.
        parts: its facts by name.
        outcomes: what can be decided.
        rule: by what it is decided.
        key: the fact that identifies a case and decides nothing.
    """

    decision: str
    parts: Mapping[str, Part]
    outcomes: Sequence[str]
    rule: str
    key: str

    def declared(self, **changes: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
        """The `facts` of a policy, for this decision alone, with further fields for some of them."""
        of = {"decisions": [self.decision]}
        facts = {name: {**part.declared, **of, **changes.get(name, {})} for name, part in self.parts.items()}
        facts[self.key] = {"type": "text", "ignore": True, **of}
        return facts

    def facts(self, rng: Random) -> dict[str, Any]:
        """A case: every fact as it was declared."""
        return {name: part.draw(rng) for name, part in self.parts.items()} | {self.key: f"{rng.randrange(10**9):09}"}

    def outcome(self, facts: Mapping[str, Any], version: str) -> str:
        """What is decided: by all facts but the key, and by the rule's version, and by nothing else."""
        known = {name: value for name, value in facts.items() if name != self.key}
        told = orjson.dumps([self.decision, version, known], option=orjson.OPT_SORT_KEYS)
        return self.outcomes[hashlib.blake2b(told).digest()[0] % len(self.outcomes)]

    def other(self, outcome: str, rng: Random) -> str:
        """Another outcome."""
        return rng.choice([one for one in self.outcomes if one != outcome])

    def of_types(self, *types: str) -> list[str]:
        """The facts of these types."""
        return [name for name, part in self.parts.items() if part.declared["type"] in types]

    def decide(
        self, desk: Desk, facts: Mapping[str, Any], outcome: Any = None, *, version: str = "1", **told: Any
    ) -> str:
        """Decides at a desk; as the rule says, unless an outcome is given; answers the decision's id."""
        decided = self.outcome(facts, version) if outcome is None else outcome
        told.setdefault("rules", [{"name": self.rule, "version": version}])
        told.setdefault("alternatives", [one for one in self.outcomes if one != decided])
        return desk.session.decision(self.decision, decided, facts=facts, **told)

    def deciding(self, facts: Mapping[str, Any], outcome: Any = None, **told: Any) -> Callable[[Desk], None]:
        """`decide`, to be done later."""

        def act(desk: Desk) -> None:
            self.decide(desk, facts, outcome, **told)

        return act


def _amount(low: float, high: float) -> Part:
    return Part({"type": "number", "required": True, "minimum": 0}, lambda rng: round(rng.uniform(low, high), 2))


def _count(low: int, high: int) -> Part:
    return Part(
        {"type": "integer", "required": True, "minimum": 0, "maximum": 10_000}, lambda rng: rng.randint(low, high)
    )


def _word(*words: str) -> Part:
    return Part({"type": "text", "required": True, "one_of": list(words)}, lambda rng: rng.choice(words))


def _flag() -> Part:
    return Part({"type": "boolean", "required": True}, lambda rng: rng.random() < 0.5)


def _day() -> Part:
    return Part({"type": "date", "required": True}, lambda rng: str(FIRST_DAY + timedelta(days=rng.randrange(1100))))


def _several(*words: str) -> Part:
    return Part({"type": "list", "unordered": True}, lambda rng: rng.sample(words, rng.randrange(2, len(words) + 1)))


MATTERS: Final = (
    Matter(
        "grant_credit",
        {
            "plan": _word("free", "pro", "team"),
            "order_total": _amount(10, 5000),
            "tenure_months": _count(0, 120),
            "churn_risk": Part({"type": "number", "minimum": 0, "maximum": 1}, lambda rng: round(rng.random(), 3)),
        },
        ("no credit", "small credit", "full credit"),
        "credit policy",
        "request_id",
    ),
    Matter(
        "settle_claim",
        {
            "claim_amount": _amount(100, 30_000),
            "policy_start": _day(),
            "police_report": _flag(),
            "damages": _several("glass", "door", "bumper", "paint", "lights"),
        },
        ("pay", "refuse", "inspect"),
        "motor claims",
        "claim_id",
    ),
    Matter(
        "approve_expense",
        {
            "category": _word("travel", "meals", "software", "training"),
            "amount": _amount(5, 3000),
            "receipt": _flag(),
            "spent_on": _day(),
        },
        ("approve", "reject", "ask for a receipt"),
        "expense rules",
        "report_id",
    ),
    Matter(
        "triage_ticket",
        {
            "severity": _word("low", "medium", "high", "urgent"),
            "open_tickets": _count(0, 900),
            "customer_value": _amount(0, 90_000),
            "tags": _several("login", "billing", "slow", "crash", "export"),
        },
        ("first line", "second line", "on-call"),
        "triage table",
        "ticket_id",
    ),
    Matter(
        "raise_limit",
        {
            "income": _amount(900, 9000),
            "missed_payments": _count(0, 12),
            "employed": _flag(),
            "since": _day(),
        },
        ("raise", "keep", "lower"),
        "limit rules",
        "application_id",
    ),
)
