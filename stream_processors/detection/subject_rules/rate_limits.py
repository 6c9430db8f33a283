"""Rate limits of a tool over all sessions of an agent, or of a tenant.

What it sees. One signal for each call of a tool whose policy limits its rate with `per: agent` or `per: tenant`, of all
the sessions concerned. More calls than `calls` in any `seconds` are `rate_exceeded` (medium), one finding for each
episode, told again whenever the calls above the limit have doubled.

Method. A sliding window (`rate_windows`): exact up to 64 calls, above that counted in 64ths of the window, never too
high. The first call above the limit names the episode.

Parameters: `tools[name].rate_limit` of the policy of the session that calls. Where sessions differ, each call is held
to the limit of its own.

What it gets wrong. Sessions are read in parallel: calls that arrive more than a window late are not counted, those that
are late by less count as if they had been made in time. A call that the guard refused counts: an agent that keeps
asking is told of. Every such call costs a signal: for tools that are called thousands of times a second, `per: session`
is the limit to declare.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

from watchkeeper.schemas.evidence import RateExceeded
from watchkeeper.schemas.model import to_us
from watchkeeper.schemas.signals import RatedCall, Signal
from watchkeeper.stream_processors.detection.detector import Found
from watchkeeper.stream_processors.detection.rate_windows import EXACT, RateWindow, new_window, take
from watchkeeper.stream_processors.detection.subject_rule import SubjectRule

MAX_SESSIONS = 5
"""Named in a finding: the latest that made calls above the limit."""


@dataclass(slots=True)
class RateLimitsState:
    """One tool's window.

    Attributes:
        sessions: that made calls above the limit in this episode, the latest last.
    """

    window: RateWindow = field(default_factory=new_window)
    sessions: list[str] = field(default_factory=list)


class RateLimits(SubjectRule[RateLimitsState]):
    """See the module."""

    rule_id = "rate_limits"
    failure_mode = "tool_boundary"
    listens = frozenset({"rated_call"})
    state_type = RateLimitsState

    def fold(self, state: RateLimitsState, signal: Signal) -> Iterable[Found]:
        """See `SubjectRule.fold`."""
        if not isinstance(signal, RatedCall):
            return ()
        window, limit = state.window, signal.limit
        before = (window["first"], window["above"])
        tell = take(window, to_us(signal.occurred_at), signal.event_id, limit)
        if (window["first"], window["above"]) == before:
            return ()
        known = [] if window["first"] != before[0] else [one for one in state.sessions if one != signal.session_id]
        state.sessions = [*known, signal.session_id][-MAX_SESSIONS:]
        if not tell:
            return ()
        whose = f"the agent {signal.agent_id}" if limit.per == "agent" else "the tenant"
        word = "call" if window["above"] == 1 else "calls"
        return [
            Found(
                about=("rate", window["first"]),
                severity="medium",
                summary=(
                    f"{window['above']} {word} of {signal.tool_name} above the {limit.calls} that its policy allows "
                    f"{whose} in {limit.seconds:g} s."
                ),
                evidence=RateExceeded(
                    tool_name=signal.tool_name,
                    per=limit.per,
                    limit=limit.calls,
                    seconds=limit.seconds,
                    above=window["above"],
                    lower_bound=limit.calls > EXACT,
                    sessions=state.sessions,
                ),
                first_us=window["first_us"],
                revision=window["revision"],
            )
        ]
