"""A telephone company's customers who want to leave, and what may be offered to them."""

from __future__ import annotations

import threading
from typing import Any, Final

from watchkeeper.producers.context import current
from watchkeeper.producers.fleet.worlds import chance_for

RULE: Final = {"name": "retention-offer", "version": "4"}
_PLANS: Final = ("mobile 20", "mobile 50", "fibre 250", "fibre 1000")
_COMPLAINTS: Final = (
    "The line was down for two days last month and nobody called back.",
    "A competitor offers the same for five euros less, with a free router.",
    "The last three bills were wrong and each of them took a week to correct.",
    "Moving to a flat where the network is weak; wants to leave without the notice period.",
)


class RetentionOffice:
    """Profiles by customer, and offers that were made. What is offered is recorded as a decision with its facts."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._offers: dict[str, list[float]] = {}

    def customer_profile(self, customer_id: str) -> dict[str, Any]:
        """Show a customer: plan, months of tenure, monthly fee, what a manager allowed, and the latest contacts."""
        chance = chance_for("retention", customer_id)
        with self._lock:
            offers = list(self._offers.get(customer_id, ()))
        return {
            "customer_id": customer_id,
            "plan": chance.choice(_PLANS),
            "tenure_months": chance.randint(13, 90),
            "monthly_fee": round(chance.uniform(18, 70), 2),
            "manager_discount": 0.35 if customer_id.endswith("-vip") else 0.0,
            "contacts": [
                {"day": f"2025-0{chance.randint(1, 9)}-{chance.randint(10, 28)}", "note": note}
                for note in chance.sample(_COMPLAINTS, 2)
            ],
            "earlier_offers": offers,
        }

    def make_offer(self, customer_id: str, discount: float, months: int = 12) -> dict[str, Any]:
        """Offer a customer a discount, as a share of the monthly fee: 0.1 is ten per cent."""
        profile = self.customer_profile(customer_id)
        with self._lock:
            self._offers.setdefault(customer_id, []).append(discount)
        session = current()
        if session is not None:
            facts = {name: profile[name] for name in ("tenure_months", "plan", "monthly_fee", "manager_discount")}
            facts["earlier_offers"] = len(profile["earlier_offers"])
            session.decision(
                "offer",
                {"discount": discount, "months": months},
                facts=facts,
                rules=[RULE],
                alternatives=[{"discount": 0.0}],
                principal=customer_id,
                authority="retention desk",
                reason="The customer gave notice and has been with us for more than a year.",
            )
        return {"customer_id": customer_id, "discount": discount, "months": months, "status": "sent"}
