"""Tells stage 2 what a session spends.

What it sees. The session's cost by the price book, after each response.

Method. What was not told yet is told when it is a hundredth of the smallest budget, when the session has spent twice
what was told (from `LEAST_TOLD` on), at the session's end, and when the session has been silent for
`thresholds.close_timeout_seconds`: to the agent's subject always, to the user's and the tenant's where a budget is
declared for them. The user's subject is a keyed name.

Parameters: `budgets` of the policy. `QUANTUM` 0.01: a hundred signals spend a budget. `LEAST_TOLD` 0.25 US dollars: a
session that spends less tells once, one that runs away at each doubling.

What it gets wrong. What is not told yet is missing from the sums, up to a hundredth of the budget for each session that
runs. Requests without a known price cost nothing. A session that goes on after its end is over no second time.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from watchkeeper.schemas.events import Event
from watchkeeper.schemas.signals import Spent, agent_subject, subject_of
from watchkeeper.stream_processors.detection.detector import Context, Detector, Said, Told
from watchkeeper.stream_processors.detection.session_rules.closing import close_limit_us

QUANTUM: Final = 0.01
LEAST_TOLD: Final = 0.25
_LEAST: Final = 1e-9
"""Less than any price: what is left of sums of fractions."""


@dataclass(slots=True)
class ToldSpendState:
    """How much was told, how often, and whether the session was over."""

    usd: float = 0.0
    told: int = 0
    over: bool = False


class ToldSpend(Detector[ToldSpendState]):
    """See the module."""

    rule_id = "told_spend"
    failure_mode = "cost_runaway"
    listens = frozenset({"response", "session_ended"})
    state_type = ToldSpendState

    def step(self, state: ToldSpendState, event: Event, context: Context) -> Iterable[Said]:
        """See `Detector.step`."""
        total = context.session.totals.cost_usd
        spent = total - state.usd
        if event.type != "response":
            is_news = total >= _LEAST and not state.over
            return _tell(state, context, spent, is_over=True) if is_news or spent >= _LEAST else ()
        if spent < _LEAST:
            return ()
        smallest = context.policy.budgets.smallest_usd
        if total >= max(LEAST_TOLD, 2 * state.usd) or (smallest is not None and spent >= QUANTUM * smallest):
            return _tell(state, context, spent, is_over=False)
        return ()

    def soonest_us(self, context: Context) -> int | None:
        """See `Detector.soonest_us`."""
        return close_limit_us(context)

    def due_us(self, state: ToldSpendState, context: Context) -> int | None:
        """See `Detector.due_us`."""
        spent = context.session.totals.cost_usd - state.usd
        return context.session.last_us + close_limit_us(context) if spent >= _LEAST else None

    def tick(self, state: ToldSpendState, now_us: int, context: Context) -> Iterable[Said]:
        """See `Detector.tick`."""
        due_us = self.due_us(state, context)
        if due_us is None or now_us < due_us:
            return ()
        return _tell(state, context, context.session.totals.cost_usd - state.usd, is_over=True)


def _tell(state: ToldSpendState, context: Context, usd: float, *, is_over: bool) -> list[Said]:
    session, budgets = context.session, context.policy.budgets
    tenant, origin = session.tenant_id, session.origin
    is_acting = context.policy.mode != "observe" and not context.stands_in
    values = {
        "usd": max(usd, 0.0),
        "bands": budgets.bands,
        "session_usd": session.totals.cost_usd,
        "is_first": not state.told,
        "is_over": is_over and not state.over,
        "when_spent": budgets.when_spent if is_acting else "tell",
    }
    state.usd += usd
    state.told += 1
    state.over = state.over or is_over
    told = [(agent_subject(tenant, origin, session.agent_id), budgets.per_hour_usd, budgets.per_day_usd)]
    hour, day = budgets.per_tenant_hour_usd, budgets.per_tenant_day_usd
    if hour or day:
        told.append((subject_of("tenant", tenant, origin, tenant), hour, day))
    if session.user_id and budgets.per_user_day_usd:
        name = context.keys.name(tenant, "user", session.agent_id, session.user_id)
        told.append((subject_of("user", tenant, origin, name), None, budgets.per_user_day_usd))
    return [
        Told(
            about=(state.told,),
            subject=subject,
            kind=Spent,
            values=values | {"per_hour_usd": hour, "per_day_usd": day},
        )
        for subject, hour, day in told
    ]
