"""Evidence of `tool_degradation` and `latency_budget`: objectives missed, tools that became worse."""

from __future__ import annotations

from typing import Literal

from watchkeeper.schemas.evidence.count import Count
from watchkeeper.schemas.model import Model, Moment, Sentence


class BudgetBurn(Model):
    """An objective's error budget burns too fast, in a long and in a short window.

    Attributes:
        rate: what is counted.
        of: what it is counted of: a tool; or of an agent's own objectives the step, `session`, `step` (all of them),
            `answer` or `outcome`.
        target: the share of good events promised.
        threshold_ms: for latency: what is still good.
        pair: the windows: `fast`, `slow` or `chronic`.
        burn: how many times faster than the objective allows, in the long window.
        limit: the share of bad events at which this pair alarms.
        budget_used: the part of the error budget of `window_days` that is gone, over at most 90 days; None for tools.
        duration_p50_ms: for tools: of the calls of the last hour, within 5 %; None where no durations were told.
        fallback: for tools, as for the next two: what the policy says to do without it; empty where it says nothing.
    """

    kind: Literal["budget_burn"] = "budget_burn"
    rate: str
    of: str
    target: float
    threshold_ms: float | None = None
    window_days: Count
    pair: Literal["fast", "slow", "chronic"]
    burn: float
    limit: float
    long_seconds: Count
    long_events: Count
    long_bad: Count
    short_seconds: Count
    short_events: Count
    short_bad: Count
    duration_p50_ms: float | None = None
    duration_p95_ms: float | None = None
    retries: Count = 0
    budget_used: float | None = None
    fallback: Sentence = ""
    examples: list[str] = []


class ToolWorse(Model):
    """A tool fails more often, or takes longer, than it used to.

    Attributes:
        what: share of failed calls, or milliseconds of its median call.
        now: over the last hour.
        before: over its own past: the share that failed, or the 95th percentile in milliseconds.
    """

    kind: Literal["tool_worse"] = "tool_worse"
    tool_name: str
    what: Literal["errors", "latency"]
    now: float
    before: float
    calls: Count
    calls_before: Count
    before_from: Moment
    sessions: Count
    fallback: Sentence = ""
    examples: list[str] = []


class RetryStorm(Model):
    """Many sessions try a failing tool again and again.

    Attributes:
        retries: calls right after a failed call of the same tool in the same session.
    """

    kind: Literal["retry_storm"] = "retry_storm"
    tool_name: str
    seconds: Count
    calls: Count
    errors: Count
    retries: Count
    sessions: Count
    fallback: Sentence = ""
    examples: list[str] = []


class RetryCascade(Model):
    """Several steps of an agent are tried again and again while one of its objectives burns.

    Attributes:
        rate: of the objective that burns.
        of: what that is counted of; see `BudgetBurn`.
        seconds: within which it was counted.
        steps: requests to models and calls that ended, in the sessions that told of some.
        retries: those right after the same step had failed.
        retried: the steps that were retried: `response`, or tools.
    """

    kind: Literal["retry_cascade"] = "retry_cascade"
    rate: str
    of: str
    seconds: Count
    steps: Count
    retries: Count
    retried: list[str]
    sessions: Count
    examples: list[str] = []
