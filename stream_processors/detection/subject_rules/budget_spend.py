"""Agents, users and tenants that spend their budget before its hour or day is over.

What it sees. What sessions spent, as far as their policies have budgets (`told_spend`).

Method. Sums by hours and days of the calendar, in UTC; what comes late counts when it was spent. Each band of a budget
(`budgets.bands`) that is passed is told once for its hour or day, `budget_use`: low, and high for the whole budget.
Before the budget is passed it is forecast (low), once: when at least a quarter of the hour or day has gone, at least
half of the budget is spent, and what is spent plus the time that is left at the present rate is the budget or more. The
rate is the lesser of two: since the hour or day began, and in its last three parts (five minutes each, or hours).

When all of an agent's or a tenant's budget is spent the policy may ask for more than a finding (`when_spent`): a
command to slow down, to pause or to stop, to the agent or to all agents of the tenant, until the hour or day is over;
nothing under `mode: observe`.

Parameters: `budgets` of the policy, of the latest session. `FORECAST_AFTER` 0.25, `FORECAST_FROM` 0.5: earlier a single
session decides.

What it gets wrong. What a session has not told yet is missing. Where agents' policies give a tenant different budgets
the latest session's counts. A job that runs for an hour and then stops is forecast as if it went on. A session that
goes on over midnight is counted by when it told. Requests without a known price cost nothing.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Final, Literal, get_args

from watchkeeper.schemas.control import Action, Target
from watchkeeper.schemas.evidence import BudgetUse
from watchkeeper.schemas.model import from_us, to_us
from watchkeeper.schemas.signals import Signal, Spent
from watchkeeper.stream_processors.detection.detector import Found
from watchkeeper.stream_processors.detection.episodes import is_repeat
from watchkeeper.stream_processors.detection.subject_rule import SubjectRule
from watchkeeper.stream_processors.detection.windows import Buckets, Span, add, total

Per = Literal["hour", "day"]
Whose = Literal["agent", "user", "tenant"]

FORECAST_AFTER: Final = 0.25
FORECAST_FROM: Final = 0.5
RECENT_PARTS: Final = 3
MAX_TOLD: Final = 8
MAX_EXAMPLES: Final = 5
PARTS: Final[dict[Per, tuple[Span, int]]] = {"hour": (Span(300, 24), 12), "day": (Span(3600, 48), 24)}
"""By what an hour and a day are summed, and how many of those they have."""


@dataclass(slots=True)
class BudgetSpendState:
    """One agent, user or tenant.

    Attributes:
        spent: US dollars, by part.
        told: by hour or day: `[bands told, 1 if it was forecast]`.
        seen: see `is_repeat`.
    """

    spent: dict[str, Buckets] = field(default_factory=dict)
    told: dict[str, list[int]] = field(default_factory=dict)
    seen: list[str] = field(default_factory=list)
    examples: list[str] = field(default_factory=list)


class BudgetSpend(SubjectRule[BudgetSpendState]):
    """See the module."""

    rule_id = "budget_spend"
    failure_mode = "cost_runaway"
    listens = frozenset({"spent"})
    state_type = BudgetSpendState

    def fold(self, state: BudgetSpendState, signal: Signal) -> Iterable[Found]:
        """See `SubjectRule.fold`."""
        if not isinstance(signal, Spent) or (signal.per_hour_usd is None and signal.per_day_usd is None):
            return ()
        if is_repeat(state.seen, signal):
            return ()
        at_us = to_us(signal.occurred_at)
        state.examples = [*(one for one in state.examples if one != signal.session_id), signal.session_id]
        state.examples = state.examples[-MAX_EXAMPLES:]
        budgets: tuple[tuple[Per, float | None], ...] = (("hour", signal.per_hour_usd), ("day", signal.per_day_usd))
        said: list[Found] = []
        for per, budget in budgets:
            add(state.spent.setdefault(per, {}), PARTS[per][0], at_us, [signal.usd])
            if budget is not None:
                said += _judge(state, signal, per, budget, at_us)
        return said


def _judge(state: BudgetSpendState, signal: Spent, per: Per, budget: float, at_us: int) -> list[Found]:
    span, parts = PARTS[per]
    first = span.bucket(at_us) // parts * parts
    start_us, end_us = span.start_us(first), span.start_us(first + parts)
    spent = total(state.spent[per], span, end_us - 1, parts, 1)[0]
    key = f"{per}/{first // parts}"
    told = state.told.setdefault(key, [0, 0])
    known = [one for one in state.told if one.startswith(per)]
    if len(known) > MAX_TOLD:
        del state.told[known[0]]
    use = _Use(signal, per, budget, spent, start_us, end_us, tuple(state.examples))
    said = []
    # Ten times a tenth is a little less than one.
    passed = sum(spent >= band * budget * (1 - 1e-9) for band in signal.bands)
    if passed > told[0]:
        told[0] = passed
        said.append(_passed(use, signal.bands[passed - 1]))
    gone_us = at_us - start_us
    if told[1] or spent >= budget or spent < FORECAST_FROM * budget or gone_us < FORECAST_AFTER * (end_us - start_us):
        return said
    recent_us = at_us - span.start_us(span.bucket(at_us) - RECENT_PARTS + 1)
    recent = total(state.spent[per], span, at_us, RECENT_PARTS, 1)[0]
    rate = min(spent / gone_us, recent / recent_us)
    forecast = spent + rate * (end_us - at_us)
    if forecast >= budget:
        told[1] = 1
        said.append(_forecast(use, forecast, rate * 3_600_000_000))
    return said


@dataclass(frozen=True, slots=True)
class _Use:
    """What was spent of a budget in an hour or day."""

    signal: Spent
    per: Per
    budget: float
    spent: float
    start_us: int
    end_us: int
    examples: tuple[str, ...]

    @property
    def whose(self) -> Whose:
        """Of what kind the subject is."""
        kind = self.signal.subject.partition(":")[0]
        return next(whose for whose in get_args(Whose) if whose == kind)

    def evidence(self, band: float | None, forecast: float | None = None, rate: float | None = None) -> BudgetUse:
        """What a finding holds of it."""
        return BudgetUse(
            whose=self.whose,
            per=self.per,
            budget_usd=self.budget,
            spent_usd=self.spent,
            share=self.spent / self.budget,
            band=band,
            forecast_usd=forecast,
            rate_usd_per_hour=rate,
            window_from=from_us(self.start_us),
            window_to=from_us(self.end_us),
            examples=list(self.examples),
        )

    def target(self) -> Target:
        """Whom a command addresses when the budget is spent."""
        if self.whose == "tenant":
            return Target(kind="tenant", id=self.signal.tenant_id)
        return Target(kind="agent", id=self.signal.agent_id)

    def told(self) -> str:
        """In words."""
        return f"${self.spent:,.2f} of the {self.whose}'s ${self.budget:,.2f} for this {self.per} are spent"


def _passed(use: _Use, band: float) -> Found:
    when_spent = use.signal.when_spent
    action: Action | None = None if when_spent == "tell" or band < 1 or use.whose == "user" else when_spent
    return Found(
        about=("band", use.per, use.start_us, f"{band:g}"),
        severity="high" if band >= 1 else "low",
        summary=f"{use.told()}: {use.spent / use.budget:.0%}.",
        evidence=use.evidence(band),
        action=action,
        target=None if action is None else use.target(),
        until_us=use.end_us,
    )


def _forecast(use: _Use, forecast: float, rate: float) -> Found:
    return Found(
        about=("forecast", use.per, use.start_us),
        severity="low",
        summary=f"{use.told()}; at ${rate:,.2f} an hour it will be ${forecast:,.2f} when the {use.per} ends.",
        evidence=use.evidence(None, forecast, rate),
    )
