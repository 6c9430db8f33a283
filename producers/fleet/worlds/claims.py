"""An insurer's claims: documents with versions, experts who raise an estimate, payments."""

from __future__ import annotations

import threading
from typing import Any, Final

from watchkeeper.producers.context import current
from watchkeeper.producers.fleet.worlds import chance_for

_DAMAGES: Final = (
    "A pipe burst behind the kitchen wall; the floor of two rooms has to be replaced and the wall dried for a month.",
    "Hail broke the roof window and the rain that followed ruined a carpet, a desk and the books on it.",
    "The front of the car was hit while it was parked; bumper, lamp and the sensor behind it are to be replaced.",
)
_HOLDERS: Final = ("Kim Lee", "Ada Berg", "Jon Ruiz", "Mira Costa", "Tom Hale")


class ClaimsOffice:
    """Claims by id. An expert's report changes a claim's amount, and its version with it."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._reports: dict[str, int] = {}
        self._paid: dict[str, float] = {}

    def read_claim(self, claim_id: str) -> dict[str, Any]:
        """Read a claim: who claims how much for what, and which version of the file this is."""
        chance = chance_for("claim", claim_id)
        amount = float(chance.randrange(1200, 9600, 40))
        holder, damage = chance.choice(_HOLDERS), chance.choice(_DAMAGES)
        with self._lock:
            reports = self._reports.get(claim_id, 0)
        return {
            "claim_id": claim_id,
            "version": str(3 + reports),
            "holder": holder,
            "policy_number": f"PN-{chance.randrange(10**6, 10**7)}",
            "amount": amount + 400.0 * reports,
            "damage": damage,
            "documents": [f"{claim_id}/photo-{number}.jpg" for number in range(1, 4)] + [f"{claim_id}/estimate.pdf"],
        }

    def ask_expert(self, claim_id: str) -> dict[str, Any]:
        """Ask an expert for a report. The claim's file is changed by it."""
        with self._lock:
            self._reports[claim_id] = self._reports.get(claim_id, 0) + 1
        claim = self.read_claim(claim_id)
        return {"claim_id": claim_id, "amount": claim["amount"], "version": claim["version"], "by": "expert 12"}

    def note_step(self, claim_id: str, step: str, amount: float, version: str) -> dict[str, Any]:
        """Write the step's result into the worksheet: the amount that it goes on with, and the version it was read in.

        Steps are extract, assess and pay.
        """
        claim = self.read_claim(claim_id)
        session = current()
        if session is not None:
            session.step = step
            known = {"source": f"claims/{claim_id}", "source_version": version}
            fresh = {"source_value": claim["amount"]} if version == claim["version"] else {"source_value": amount}
            session.checkpoint({"amount": {"value": amount} | known | fresh})
        return {"claim_id": claim_id, "step": step, "amount": amount, "noted": True}

    def pay_claim(self, claim_id: str, amount: float) -> dict[str, Any]:
        """Pay a claim to its holder."""
        with self._lock:
            if claim_id in self._paid:
                raise ValueError(f"claim {claim_id} has been paid: {self._paid[claim_id]}")
            self._paid[claim_id] = amount
        return {"claim_id": claim_id, "paid": amount, "status": "paid"}
