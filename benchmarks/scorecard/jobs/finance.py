"""An accounts agent: matches invoices with orders, decides, and pays; large sums only when a person approved."""

from __future__ import annotations

from random import Random
from typing import Any, Final

from scorecard.desk import Desk
from scorecard.ground import Beat, Job, tool

AGENT: Final = "accounts-payable"
SUPPLIERS: Final = ("Nordwind Paper", "Hallam Steel", "Brightline Cleaning", "Oakfield Catering", "Delta Freight")

TOOLS: Final = [
    tool("get_invoice", "Reads an invoice.", ["invoice_id"], invoice_id="string"),
    tool("get_purchase_order", "Reads a purchase order.", ["order_id"], order_id="string"),
    tool(
        "pay_invoice",
        "Pays an invoice by transfer.",
        ["invoice_id", "amount"],
        invoice_id="string",
        amount={"type": "number", "minimum": 0},
    ),
    tool(
        "post_entry",
        "Writes an entry into the ledger.",
        ["invoice_id", "account"],
        invoice_id="string",
        account="string",
    ),
]

POLICY: Final[dict[str, Any]] = {
    "version": "11",
    "goal": {
        "statement": (
            "Checks invoices of suppliers against purchase orders. Pays invoices that match within two percent. Asks "
            "a person before it pays more than 5,000. Posts paid invoices to the ledger. Does not change bank details."
        ),
        "refuses_actions": ["changing bank details", "paying invoices without an order"],
    },
    "caps": {"tool_calls": 15, "tokens": 100_000, "wall_clock_seconds": 3600, "cost_usd": 1.0},
    "tools": {
        "get_invoice": {"effect": "read"},
        "get_purchase_order": {"effect": "read"},
        "pay_invoice": {
            "effect": "irreversible",
            "resource": "invoice_id",
            "bounds": {"amount": {"minimum": 0, "maximum": 50_000}},
            "approval": {"argument": "amount", "above": 5000},
        },
        "post_entry": {"effect": "write", "resource": "invoice_id"},
    },
    "allow_unlisted_tools": False,
    "facts": {
        "invoice_total": {"type": "number", "minimum": 0},
        "order_total": {"type": "number", "minimum": 0},
        "supplier": {"type": "text"},
    },
}


class Invoice:
    """One invoice and its order."""

    def __init__(self, rng: Random) -> None:
        self.invoice = f"INV-{rng.randrange(10**5, 10**6)}"
        self.order = f"PO-{rng.randrange(10**5, 10**6)}"
        self.supplier = rng.choice(SUPPLIERS)
        self.total = round(rng.uniform(80, 4800) if rng.random() < 0.7 else rng.uniform(5100, 30_000), 2)

    @property
    def read(self) -> dict[str, Any]:
        """As the archive shows it."""
        return {"invoice_id": self.invoice, "supplier": self.supplier, "total": self.total, "order_id": self.order}


def job(rng: Random) -> Job:
    """One invoice."""
    invoice = Invoice(rng)
    told = {"goal": f"Handle invoice {invoice.invoice}.", "intent": "invoice", "user_id": f"clerk-{rng.randrange(40)}"}
    return Job("finance", AGENT, POLICY, TOOLS, _steps(invoice, rng), model="gpt-4.1-mini", told=told)


def _steps(one: Invoice, rng: Random) -> list[Beat]:
    ask = rng.choice(
        (f"Please check and pay invoice {one.invoice}.", f"{one.invoice} is due, pay it if it is in order.")
    )

    def invoice(desk: Desk) -> None:
        desk.use("get_invoice", {"invoice_id": one.invoice}, one.read)

    def order(desk: Desk) -> None:
        found = {"order_id": one.order, "supplier": one.supplier, "total": one.total, "received": True}
        desk.use("get_purchase_order", {"order_id": one.order}, found)

    def decide(desk: Desk) -> None:
        facts = {"invoice_total": one.total, "order_total": one.total, "supplier": one.supplier}
        desk.session.decision(
            "pay_invoice",
            "pay",
            facts=facts,
            rules=[{"name": "match within two percent", "version": "4"}],
            alternatives=["hold"],
            principal="accounts",
            reason="The invoice matches its order.",
        )

    def pay(desk: Desk) -> None:
        arguments = {"invoice_id": one.invoice, "amount": one.total}
        if one.total > 5000:
            approve(desk, f"pay_invoice {one.invoice}", one.total)
        desk.use("pay_invoice", arguments, {"paid": one.total}, idempotency_key=f"pay-{one.invoice}")

    def post(desk: Desk) -> None:
        desk.use("post_entry", {"invoice_id": one.invoice, "account": "4400"}, {"posted": True})

    def answer(desk: Desk) -> None:
        desk.say(f"Invoice {one.invoice} of {one.supplier} matches {one.order}; {one.total:.2f} is paid and posted.")

    return [lambda desk: desk.user(ask), invoice, order, decide, pay, post, answer]


def approve(desk: Desk, action: str, amount: float) -> str:
    """A person is asked and approves."""
    approval = desk.session.approval("requested", action=action, approver="head-of-accounts")
    desk.wait(desk.rng.uniform(20, 200))
    desk.session.approval(
        "granted", action=action, approver="head-of-accounts", approval_id=approval, limits={"amount": amount}
    )
    return approval
