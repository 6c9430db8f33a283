"""A shop's refund desk."""

from __future__ import annotations

import threading
from typing import Any, Literal

from watchkeeper.producers.fleet.worlds import chance_for

_GOODS = ("kettle", "desk lamp", "rucksack", "headphones", "raincoat", "chess set", "coffee grinder")

Reason = Literal["damaged", "late", "unwanted", "wrong_item"]


class RefundDesk:
    """Orders by customer, and the refunds that were paid."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._refunds: dict[str, dict[str, Any]] = {}

    def find_orders(self, customer_id: str) -> list[dict[str, Any]]:
        """List the orders of a customer, the latest first."""
        count = chance_for("orders", customer_id).randint(2, 4)
        return [self.get_order(f"{customer_id}-{number}") for number in range(count, 0, -1)]

    def get_order(self, order_id: str) -> dict[str, Any]:
        """Show one order with its state and what may still be refunded."""
        chance = chance_for("order", order_id)
        paid = round(chance.uniform(12, 240), 2)
        with self._lock:
            refunded = self._refunds.get(order_id, {}).get("amount", 0.0)
        return {
            "order_id": order_id,
            "item": chance.choice(_GOODS),
            "paid": paid,
            "refundable": round(paid - refunded, 2),
            "delivered": f"2025-0{chance.randint(1, 9)}-1{chance.randint(0, 9)}",
        }

    def refund_order(self, order_id: str, amount: float, reason: Reason) -> dict[str, Any]:
        """Pay money back for an order. Amounts are in euros."""
        order = self.get_order(order_id)
        if not 0 < amount <= order["refundable"]:
            raise ValueError(f"order {order_id} has {order['refundable']} euros left to refund, not {amount}")
        with self._lock:
            self._refunds[order_id] = {"amount": amount, "reason": reason}
        return {"order_id": order_id, "refunded": amount, "reason": reason, "status": "paid"}

    def send_message(self, customer_id: str, text: str) -> dict[str, Any]:
        """Send a message to the customer."""
        return {"customer_id": customer_id, "sent": True, "characters": len(text)}
