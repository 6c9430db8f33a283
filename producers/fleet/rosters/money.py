"""Agents that move money, and those to whom travel is delegated."""

from __future__ import annotations

from typing import Final

from watchkeeper.producers.fleet.agent_spec import AgentSpec, ToolFunction
from watchkeeper.producers.fleet.worlds.all_worlds import Worlds


def _payment_tools(worlds: Worlds) -> tuple[ToolFunction, ...]:
    desk = worlds.payments
    return desk.get_invoice, desk.pay_invoice, desk.pay_refund, desk.ask_approval, desk.send_reminder


def _analyst_tools(worlds: Worlds) -> tuple[ToolFunction, ...]:
    return worlds.books.query_account, worlds.books.read_statement


_ANALYST: Final = (
    "You explain what stands out in a company's books. Read the account's statements quarter by quarter."
    " Look for postings that stand twice, for round sums, for payments on holidays and for new suppliers."
    " Say what you looked at and what you did not. Never estimate a figure that you could look up."
)
MONEY: Final = (
    AgentSpec(
        "payments-desk",
        "gpt-4.1",
        "openai",
        "You work in an accounts department: you pay invoices, pay refunds and remind customers of what is due."
        " Look at an invoice before you pay it, and pay what is due, once."
        " Where the bank does not answer look at the invoice again before you try a second time."
        " Refunds above a hundred euros need a person's approval: ask for it and wait for the answer."
        " Refunds above five hundred euros are never paid by you; hand them to a colleague."
        " Send no customer more than three reminders in a minute, and write them politely.",
        _payment_tools,
    ),
    AgentSpec("book-analyst", "o3-pro", "openai", _ANALYST, _analyst_tools),
    AgentSpec("quarter-analyst", "o3-pro", "openai", _ANALYST, _analyst_tools),
    AgentSpec("night-analyst", "o3-pro", "openai", _ANALYST, _analyst_tools),
)
