"""A shop's credit desk: what is known of customers, by an old system and a new one, and what was decided."""

from __future__ import annotations

from typing import Any, Final, Literal

from watchkeeper.producers.context import current
from watchkeeper.producers.fleet.worlds import chance_for

RULES: Final = {"2024": "7", "2025": "8"}
"""Versions of the rule on credits, by the terms that a customer has."""


class CreditDesk:
    """Facts by household, so that two people of one household have the same; decisions with what they rest on.

    Households whose name begins with `old` are still in the old system, which writes money as text.
    """

    def account_facts(self, customer_id: str) -> dict[str, Any]:
        """What is known of a customer: plan, balance, seats, arrears, and the terms that apply."""
        household, _, person = customer_id.rpartition("/")
        chance = chance_for("credit", household)
        balance = round(chance.uniform(900, 9000), 2)
        old = household.startswith("old")
        return {
            "customer_id": customer_id,
            "plan": chance.choice(("Free", "Pro")),
            "balance": f"${balance:,.2f}" if old else balance,
            "seats": chance.randint(1, 60),
            "in_arrears": None if old else False,
            "terms": "2025" if person.startswith("new") else "2024",
            "history": [
                {"month": f"2025-{month:02d}", "ordered": round(chance.uniform(0, 900), 2), "paid": True}
                for month in range(1, 9)
            ],
        }

    def decide_credit(
        self, customer_id: str, outcome: Literal["granted", "refused"], credit: float, reason: str
    ) -> dict[str, Any]:
        """Grant or refuse a customer's request for a credit, in dollars."""
        known = self.account_facts(customer_id)
        session = current()
        if session is not None:
            session.decision(
                "grant_credit",
                {"status": outcome, "credit": credit},
                facts={name: known[name] for name in ("plan", "balance", "seats", "in_arrears")},
                rules=[{"name": "credit-limit", "version": RULES[known["terms"]]}],
                principal=customer_id,
                authority="credit desk",
                reason=reason,
            )
        return {"customer_id": customer_id, "outcome": outcome, "credit": credit, "recorded": True}

    def waive_fee(self, customer_id: str, amount: float, reason: str = "") -> dict[str, Any]:
        """Waive a customer's fee for late payment, in dollars; say why."""
        session = current()
        if session is not None:
            session.decision("waive_fee", {"amount": amount}, principal=customer_id, reason=reason or None)
        return {"customer_id": customer_id, "waived": amount, "recorded": True}
