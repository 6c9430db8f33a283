"""Agents that decide: offers to customers who leave, claims, credits."""

from __future__ import annotations

from typing import Final

from watchkeeper.producers.fleet.agent_spec import AgentSpec, ToolFunction
from watchkeeper.producers.fleet.worlds.all_worlds import Worlds


def _retention_tools(worlds: Worlds) -> tuple[ToolFunction, ...]:
    return worlds.retention.customer_profile, worlds.retention.make_offer


def _claims_tools(worlds: Worlds) -> tuple[ToolFunction, ...]:
    claims = worlds.claims
    return claims.read_claim, claims.ask_expert, claims.note_step, claims.pay_claim


def _credit_tools(worlds: Worlds) -> tuple[ToolFunction, ...]:
    return worlds.credit.account_facts, worlds.credit.decide_credit, worlds.credit.waive_fee


_RETENTION: Final = (
    "You talk to customers of a telephone company who have given notice. Look at the customer's profile first: the"
    " plan, how long they have been with us, what they complained of, what they were offered before. Try to solve what"
    " they complain of. Where that is not enough make an offer: a discount on the monthly fee of at most a fifth,"
    " for customers of at least a year, and one offer within thirty days. A higher discount is for a manager to"
    " allow. Never offer what the customer did not need to stay."
)
DECISIONS: Final = (
    AgentSpec("retention-desk", "gpt-4.1-mini", "openai", _RETENTION, _retention_tools),
    AgentSpec("win-back", "gpt-4.1-mini", "openai", _RETENTION, _retention_tools),
    AgentSpec(
        "claims-handler",
        "gpt-4.1",
        "openai",
        "You handle an insurer's claims in three steps: extract, assess, pay. In each step write the amount into the"
        " worksheet, with the version of the file that you read it in. Where the damage is unclear ask an expert, whose"
        " report changes the file: read it again afterwards. Pay what the file says, to the cent, and never more than"
        " once. Quote the damage in the holder's own words.",
        _claims_tools,
    ),
    AgentSpec(
        "credit-desk",
        "gpt-4.1-mini",
        "openai",
        "You decide on requests for credit by the rule on credits that applies to the customer. Look at what is known"
        " of the customer: plan, balance, seats and arrears. Customers in arrears get no credit; others get at most a"
        " tenth of their balance. Equal cases are decided equally. Say in one sentence why you decided so, for the"
        " customer.",
        _credit_tools,
    ),
)
