"""Agents that others hand work to: each has a tool that reads and one that acts, and both ask for a scope."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from random import Random
from typing import Any, Final

from scorecard.desk import Desk
from scorecard.ground import Beat, Job, tool
from scorecard.stage import Act, Stage
from watchkeeper.schemas.model import from_us


@dataclass(frozen=True, slots=True)
class Trade:
    """What a specialist can do.

    Attributes:
        area: what its scopes are about.
        reads: the tool that looks.
        acts: the tool that acts.
        act: the scope's word for acting.
        subject: the argument that both take.
        amount: whether acting takes an amount of money.
    """

    area: str
    reads: str
    acts: str
    act: str
    subject: str
    amount: bool = False

    @property
    def to_read(self) -> str:
        """The scope for looking."""
        return f"{self.area}:read"

    @property
    def to_act(self) -> str:
        """The scope for acting."""
        return f"{self.area}:{self.act}"


TRADES: Final = (
    Trade("refunds", "list_refunds", "issue_refund", "write", "order", amount=True),
    Trade("orders", "read_offers", "place_order", "write", "supplier", amount=True),
    Trade("payroll", "read_payslip", "adjust_pay", "change", "employee", amount=True),
    Trade("calendar", "read_calendar", "move_meeting", "write", "meeting"),
    Trade("crm", "read_customer", "update_customer", "edit", "customer"),
    Trade("deploy", "read_logs", "restart_service", "restart", "service"),
    Trade("stock", "count_stock", "move_stock", "move", "shelf"),
)
GRANTORS: Final = ("ada@example.com", "ops@example.com", "head-of-sales@example.com", "duty-manager@example.com")


class Task:
    """One thing for a specialist to do.

    Args:
        rng: chance.
        trade: whose; any, if None.
    """

    def __init__(self, rng: Random, trade: Trade | None = None, *, amount: bool | None = None) -> None:
        self.rng = rng
        fitting = [one for one in TRADES if amount is None or one.amount == amount]
        self.trade = trade or rng.choice(fitting)
        self.subject = f"{self.trade.subject}-{rng.randrange(10**6)}"
        self.amount = round(rng.uniform(20, 900), 2)
        self.says = (
            f"Please see to {self.subject.replace('-', ' ')}: look first, and {self.trade.acts} if it is needed."
        )

    def job(self, *, acting: bool = True) -> Job:
        """The specialist's work: it looks, acts if it should, and reports."""
        trade = self.trade
        amounts = {"amount": {"type": "number", "minimum": 0}} if trade.amount else {}
        tools = [
            tool(trade.reads, "Looks.", [trade.subject], **{trade.subject: "string"}),
            tool(trade.acts, "Acts.", [trade.subject, *amounts], **{trade.subject: "string"}, **amounts),
        ]
        acts: dict[str, Any] = {"effect": "write", "resource": trade.subject, "scope": trade.to_act}
        if trade.amount:
            acts["scope_amount"] = "amount"
        statement = (
            f"Sees to one {trade.subject} at a time, as it is asked. Looks before it acts. Uses {trade.acts} where it "
            f"is needed and covered by its grant. Reports what it did. Touches no other {trade.subject}."
        )
        policy = {
            "goal": {"statement": statement},
            "caps": {"wall_clock_seconds": 7200},
            "tools": {trade.reads: {"effect": "read", "scope": trade.to_read}, trade.acts: acts},
            "allow_unlisted_tools": False,
        }
        beats: list[Beat] = [lambda desk: desk.user(self.says), self.look]
        if acting:
            beats.append(self.act)
        beats.append(lambda desk: desk.say(self.rng.choice(("It is seen to.", "Done, as asked.", "All in order now."))))
        return Job("multi_agent", f"{trade.area}-clerk", policy, tools, beats, model="gpt-4.1-mini")

    def look(self, desk: Desk) -> None:
        """It looks."""
        desk.use(self.trade.reads, {self.trade.subject: self.subject}, {"state": "open", "id": self.subject})

    def act(self, desk: Desk) -> None:
        """It acts."""
        told: dict[str, Any] = {self.trade.subject: self.subject}
        if self.trade.amount:
            told["amount"] = self.amount
        desk.use(self.trade.acts, told, {"done": True}, idempotency_key=f"{self.subject}/{self.trade.acts}")

    def scopes(self, *, limit: float | None = None) -> list[str]:
        """What the task needs."""
        acting = self.trade.to_act if limit is None else f"{self.trade.to_act}<={limit:g}"
        return [self.trade.to_read, acting]

    def grant(self, **told: Any) -> dict[str, Any]:
        """A grant for the task, on some person's word, with a name of its own."""
        grantor = self.rng.choice(GRANTORS)
        return {"grant_id": f"g-{self.rng.randrange(10**9)}", "granted_by": grantor, "scope": self.scopes(), **told}


def hand_over(stage: Stage, desk: Desk, job: Job, *acts: Act, after: Sequence[Act] = (), **told: Any) -> Desk:
    """Hands a job to its agent, which does it with these acts in it, and takes the report. Answers the child's desk."""
    child = stage.delegate(desk, job, task=str(told.pop("task", "See to it, please.")), **told)
    stage.perform(child, *acts)
    for act in after:
        act(child)
    desk.wait_until(child.now_us)
    desk.messages.append({"role": "user", "name": job.agent, "content": "Done."})
    return child


def two_hops(desk: Desk, task: Task, desks: list[Desk], first: dict[str, Any], second: dict[str, Any]) -> None:
    """The task goes to a foreman under the first grant, and from there to a clerk under the second."""
    parent = task.grant(**first)

    def on(foreman: Desk) -> None:
        handed = {
            "parent_grant_id": parent["grant_id"],
            "granted_by": foreman.session.opening.header.agent_id,
            **second,
        }
        desks.append(hand_over(foreman.stage, foreman, task.job(), **task.grant(**handed)))

    desks.append(hand_over(desk.stage, desk, task.job(acting=False), on, agent=f"{task.trade.area}-foreman", **parent))


def in_minutes(desk: Desk, minutes: float) -> datetime:
    """A moment so many minutes from now."""
    return from_us(desk.now_us + round(minutes * 60_000_000))
