"""What agents give away to keep customers, within limits that their policy states."""

from __future__ import annotations

from dataclasses import dataclass
from random import Random
from typing import Any, Final

from scorecard.desk import Desk
from scorecard.stage import Act


@dataclass(frozen=True, slots=True)
class Offer:
    """Something that an agent may give away, up to a limit, to those who are eligible.

    Attributes:
        decision: its name.
        given: the field of the outcome that says how much.
        most: how much may be given.
        share: whether it is a share; an amount of money else.
        eligible: the fact that makes eligible, and how much of it is needed.
    """

    decision: str
    given: str
    most: float
    share: bool
    eligible: tuple[str, int]


OFFERS: Final = (
    Offer("retention_offer", "discount", 0.2, True, ("tenure_months", 12)),
    Offer("grant_credit", "credit", 150, False, ("paid_invoices", 3)),
    Offer("upgrade_seat", "rebate", 0.5, True, ("member_points", 500)),
    Offer("waive_fee", "waived", 60, False, ("account_age_days", 90)),
    Offer("extend_trial", "extra_days", 14, False, ("active_users", 5)),
)


class Shop:
    """One offer, with limits of its own, as a policy's constraints say it.

    Args:
        rng: chance.
    """

    def __init__(self, rng: Random) -> None:
        self.rng = rng
        self.offer = rng.choice(OFFERS)
        self.most = round(self.offer.most * rng.uniform(0.5, 1.5), 2)
        self.needed = round(self.offer.eligible[1] * rng.uniform(0.5, 2))
        self.cap_name = f"no more than {self.most:g}"
        self.eligible_name = rng.choice(("only for the eligible", "old customers alone", f"from {self.needed} on"))

    @property
    def policy(self) -> dict[str, Any]:
        """The policy's sections."""
        given, fact = self.offer.given, self.offer.eligible[0]
        gives = f"has(outcome.{given}) && outcome.{given} > 0.0"
        rules: list[dict[str, Any]] = [
            {
                "name": self.cap_name,
                "when": f"has(outcome.{given})",
                "require": f"outcome.{given} <= {float(self.most)}",
            },
            {"name": self.eligible_name, "when": gives, "require": f"{fact} >= {self.needed}"},
        ]
        facts = {fact: {"type": "integer", "decisions": [self.offer.decision]}}
        return {"facts": facts, "constraints": [{"decision": self.offer.decision, **rule} for rule in rules]}

    def limited(self, at_most: int, days: int) -> dict[str, Any]:
        """The same, with a limit for each customer."""
        gives = f"has(outcome.{self.offer.given}) && outcome.{self.offer.given} > 0.0"
        rule = {
            "name": "not too often",
            "decision": self.offer.decision,
            "when": gives,
            "per_customer": {"at_most": at_most, "days": days},
        }
        return {**self.policy, "constraints": [*self.policy["constraints"], rule]}

    def give(self, desk: Desk, amount: float, owned: int | None, **more: Any) -> None:
        """Decides to give this much to a customer who has so much of what makes eligible; None: nobody looked."""
        facts = {} if owned is None else {self.offer.eligible[0]: owned}
        reason = self.rng.choice(("They wanted to leave.", "To keep them happy.", "They asked twice.", "Goodwill."))
        outcome = {self.offer.given: amount, **more}
        desk.session.decision(self.offer.decision, outcome, facts=facts, reason=reason, alternatives=["nothing"])

    def giving(self, amount: float, owned: int | None, **more: Any) -> Act:
        """`give`, to be done later."""
        return lambda desk: self.give(desk, amount, owned, **more)

    def fair(self) -> tuple[float, int]:
        """What may be given to an eligible customer, and why: the more there is of what makes eligible, the more."""
        owned = self.needed + self.rng.randrange(1, 1 + self.needed)
        return round(self.most * 0.49 * owned / self.needed, 2), owned
