"""A shop's support agent: where orders are, new addresses, small refunds, cancellations."""

from __future__ import annotations

from random import Random
from typing import Any, Final

from scorecard.desk import Desk
from scorecard.ground import Beat, Job, tool

AGENT: Final = "shop-support"
PRODUCTS: Final = ("kettle", "desk lamp", "winter jacket", "coffee grinder", "bike helmet", "backpack", "toaster")
CARRIERS: Final = ("DHL", "UPS", "PostNL", "GLS")
STREETS: Final = ("Harbour Lane", "Mill Road", "Station Street", "Oak Avenue", "Bridge Street", "Garden Row")
TOWNS: Final = ("Leeds", "Utrecht", "Ghent", "Aarhus", "Porto", "Graz")

TOOLS: Final = [
    tool("find_order", "Looks up an order.", ["order_id"], order_id="string"),
    tool("track_parcel", "Where a parcel is.", ["tracking_code"], tracking_code="string"),
    tool("search_help", "Searches the help pages.", ["query"], query="string"),
    tool(
        "change_address",
        "Changes the delivery address of an order that has not been sent.",
        ["order_id", "street", "town"],
        order_id="string",
        street="string",
        town="string",
    ),
    tool(
        "refund_order",
        "Pays money back for an order.",
        ["order_id", "amount"],
        order_id="string",
        amount={"type": "number", "minimum": 0},
        reason="string",
    ),
    tool("cancel_order", "Cancels an order that has not been sent.", ["order_id"], order_id="string"),
]

POLICY: Final[dict[str, Any]] = {
    "version": "3",
    "goal": {
        "statement": (
            "Helps customers of the shop with their orders. Tells where orders and parcels are. Changes the delivery "
            "address of orders that have not been sent. Cancels orders that have not been sent when the customer asks. "
            "Refunds orders that arrived damaged or did not arrive."
        ),
        "refuses_actions": ["giving legal advice", "changing prices"],
    },
    "caps": {"tool_calls": 20, "tokens": 120_000, "wall_clock_seconds": 900, "cost_usd": 1.0},
    "tools": {
        "find_order": {"effect": "read"},
        "track_parcel": {"effect": "read"},
        "search_help": {"effect": "read"},
        "change_address": {"effect": "write", "resource": "order_id", "repeatable": True},
        "refund_order": {
            "effect": "irreversible",
            "resource": "order_id",
            "bounds": {"amount": {"minimum": 0, "maximum": 500}},
            "approval": {"argument": "amount", "above": 100},
        },
        "cancel_order": {"effect": "irreversible", "resource": "order_id"},
    },
    "allow_unlisted_tools": False,
}


class Case:
    """What one customer wants."""

    def __init__(self, rng: Random) -> None:
        self.order = f"A-{rng.randrange(100_000, 999_999)}"
        self.tracking = f"TR{rng.randrange(10**9, 10**10)}"
        self.product = rng.choice(PRODUCTS)
        self.carrier = rng.choice(CARRIERS)
        self.town = rng.choice(TOWNS)
        self.street = f"{rng.randrange(1, 180)} {rng.choice(STREETS)}"
        self.price = round(rng.uniform(12, 95), 2)
        self.days = rng.randrange(1, 6)

    def found(self, status: str) -> dict[str, Any]:
        """The order as the shop's system shows it."""
        return {
            "order_id": self.order,
            "status": status,
            "items": [{"product": self.product, "quantity": 1, "price": self.price}],
            "tracking_code": self.tracking if status in {"sent", "delivered"} else None,
            "town": self.town,
        }


def job(rng: Random) -> Job:
    """One customer's case, of four kinds."""
    case = Case(rng)
    intent, steps = rng.choice((_status, _address, _refund, _cancel))(case, rng)
    told = {
        "goal": "Help the customer with the order.",
        "intent": intent,
        "user_id": f"u-{rng.randrange(10**6)}",
        "customer_id": f"c-{rng.randrange(10**6)}",
    }
    return Job("support", AGENT, POLICY, TOOLS, steps, told=told)


def _status(case: Case, rng: Random) -> tuple[str, list[Beat]]:
    ask = rng.choice(
        (
            f"Where is my order {case.order}? I ordered a {case.product}.",
            f"Hi, my {case.product} has not come yet, the number is {case.order}. Can you look?",
            f"Order {case.order} - when will it arrive?",
        )
    )

    def look(desk: Desk) -> None:
        desk.use("find_order", {"order_id": case.order}, case.found("sent"))

    def track(desk: Desk) -> None:
        where = {"status": "in transit", "carrier": case.carrier, "town": case.town, "days_left": case.days}
        desk.use("track_parcel", {"tracking_code": case.tracking}, where)

    def answer(desk: Desk) -> None:
        desk.say(
            f"Your {case.product} is in transit with {case.carrier}, at the moment in {case.town}. "
            f"It should arrive in {case.days} days."
        )

    def thanks(desk: Desk) -> None:
        desk.user(rng.choice(("Thanks, that helps.", "Great, thank you!", "OK, I will wait then.")))
        desk.say(rng.choice(("You are welcome.", "Glad to help.", "Any time.")))

    steps: list[Beat] = [lambda desk: desk.user(ask), look, track, answer]
    return "order_status", [*steps, thanks] if rng.random() < 0.5 else steps


def _address(case: Case, rng: Random) -> tuple[str, list[Beat]]:
    ask = f"I have moved. Please send order {case.order} to {case.street}, {case.town} instead."

    def look(desk: Desk) -> None:
        desk.use("find_order", {"order_id": case.order}, case.found("packing"))

    def change(desk: Desk) -> None:
        arguments = {"order_id": case.order, "street": case.street, "town": case.town}
        desk.use("change_address", arguments, {"order_id": case.order, "changed": True})

    def answer(desk: Desk) -> None:
        desk.say(rng.choice((f"Done: order {case.order} goes to {case.town} now.", "I have changed the address.")))

    return "change_address", [lambda desk: desk.user(ask), look, change, answer]


def _refund(case: Case, rng: Random) -> tuple[str, list[Beat]]:
    fault = rng.choice(("arrived broken", "arrived with a crack", "came damaged", "never arrived"))
    ask = f"My {case.product} from order {case.order} {fault}. I would like my money back, please."

    def look(desk: Desk) -> None:
        desk.use("find_order", {"order_id": case.order}, case.found("delivered"))

    def rules(desk: Desk) -> None:
        page = "Orders that arrive damaged or do not arrive are refunded in full within 30 days."
        desk.use("search_help", {"query": f"refund {fault}"}, [{"page": "refunds", "text": page}])

    def refund(desk: Desk) -> None:
        arguments = {"order_id": case.order, "amount": case.price, "reason": fault}
        paid = {"order_id": case.order, "refunded": case.price}
        desk.use("refund_order", arguments, paid, idempotency_key=f"refund-{case.order}")

    def answer(desk: Desk) -> None:
        desk.say(f"I am sorry about that. I have refunded {case.price:.2f} for order {case.order}.")

    return "refund", [lambda desk: desk.user(ask), look, rules, refund, answer]


def _cancel(case: Case, rng: Random) -> tuple[str, list[Beat]]:
    ask = f"Please cancel order {case.order}, I {rng.choice(('found it cheaper', 'ordered twice', 'changed my mind'))}."

    def look(desk: Desk) -> None:
        desk.use("find_order", {"order_id": case.order}, case.found("packing"))

    def cancel(desk: Desk) -> None:
        desk.use("cancel_order", {"order_id": case.order}, {"order_id": case.order, "status": "cancelled"})

    def answer(desk: Desk) -> None:
        desk.say(f"Order {case.order} is cancelled. You will not be charged for the {case.product}.")

    return "cancel", [lambda desk: desk.user(ask), look, cancel, answer]
