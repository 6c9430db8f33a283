"""Sessions that spend more than they may.

What it sees. Four hard caps of one session: tool calls begun, tokens (uncached input plus output), wall clock, money.
At the share `thresholds.cap_warning_share` of a cap it warns (`cap_use`, low), once for each cap; at the event that
crosses it there is a breach (`cap_use`, high), once for each cap, with `terminate`.

Method. The session's totals, the event at hand included, against the policy's caps, narrowed by the session's own.

- Tool calls, tokens and money are crossed by being *more* than the cap: a cap of 25 allows 25 calls, the 26th is the
  breach.
- The wall clock is crossed by *reaching* the cap: time has no steps, and a tick finds the moment itself. It runs from
  `session_started` to the latest event of the agent, or to the tick; approvals and outcomes, which others tell at
  other times, do not move it, nor does anything after the session's end.
- What fills a gap counts in the totals; what it crosses is found at the next event in order.

It tells stage 2 of every session that began and of every cap that was crossed (`capped_share`).

Parameters, from the policy: `caps` (default 25 calls, 200,000 tokens, 300 s, 5 US dollars: the upper ends of the
ranges that field reports give), `thresholds.cap_warning_share` (0.8), `thresholds.capped_sessions_share` (0.05).

What it gets wrong. Time spent waiting for a person counts: agents that wait for approvals need a longer wall clock,
or none. A small cap warns early: four calls of five are 80 %. Requests without a known price cost nothing here; the
summary says how many there were. A writer whose clock is ahead crosses the wall clock early. A session that is
resumed under caps wider than before stays under the narrower ones.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from watchkeeper.schemas.events import Event, SessionStarted
from watchkeeper.schemas.evidence import CapUse
from watchkeeper.schemas.model import from_us
from watchkeeper.schemas.policy import CAP_NAMES, CapName
from watchkeeper.schemas.signals import CapHit, SessionOpened, agent_subject
from watchkeeper.stream_processors.detection.detector import Context, Detector, Found, Said, Told

_SECOND_US = 1_000_000


@dataclass(slots=True)
class CostRunawayState:
    """What was said: sets of caps, as bits in the order of `CAP_NAMES`."""

    opened: bool = False
    warned: int = 0
    breached: int = 0


class CostRunaway(Detector[CostRunawayState]):
    """See the module."""

    rule_id = "cost_runaway"
    failure_mode = "cost_runaway"
    listens = frozenset(
        {
            "session_started",
            "prompt",
            "reasoning",
            "tool_call",
            "tool_result",
            "retrieval",
            "decision",
            "delegation",
            "checkpoint",
            "response",
            "session_ended",
        }
    )
    state_type = CostRunawayState

    def step(self, state: CostRunawayState, event: Event, context: Context) -> Iterable[Said]:
        """See `Detector.step`."""
        session, totals = context.session, context.session.totals
        clocked = session.status == "open" or event.type == "session_ended"
        seconds = (context.at_us - session.started_us) / _SECOND_US if clocked else 0.0
        uses = (totals.tool_calls, totals.tokens, seconds, totals.cost_usd)
        reached: list[int] = []
        # Every event passes here: a loop of four is cheaper than a comprehension.
        for index, warn_at, _ in context.cap_levels:
            if uses[index] >= warn_at:
                reached.append(index)
        if state.opened and not reached:
            return ()
        said: list[Said] = []
        if not state.opened:
            state.opened = True
            if not (type(event) is SessionStarted and event.data.resumed):
                said.append(_opened(context))
        for index in reached:
            said += _crossed(state, context, 1 << index, CAP_NAMES[index], used=uses[index])
        return said

    def due_us(self, state: CostRunawayState, context: Context) -> int | None:
        """When the wall clock will reach its warning, or its cap."""
        return min((at_us for _, at_us in _marks(state, context)), default=None)

    def soonest_us(self, context: Context) -> int | None:  # noqa: ARG002 - the protocol's shape
        """See `Detector.soonest_us`: the wall clock runs from the session's start, whatever comes."""
        return None

    def tick(self, state: CostRunawayState, now_us: int, context: Context) -> Iterable[Said]:
        """See `Detector.tick`."""
        limit = context.caps.wall_clock_seconds
        passed = [(bit, at_us) for bit, at_us in _marks(state, context) if at_us <= now_us]
        if limit is None or not passed:
            return ()
        breached, at_us = passed[-1]
        used = limit if breached else (at_us - context.session.started_us) / _SECOND_US
        return _crossed(state, context, _CLOCK, "wall_clock_seconds", used=used, tick_us=at_us)


_CLOCK = 1 << CAP_NAMES.index("wall_clock_seconds")


def _marks(state: CostRunawayState, context: Context) -> list[tuple[bool, int]]:
    """What the wall clock has still to pass, in order: whether it is the cap, and when."""
    limit = context.caps.wall_clock_seconds
    if limit is None or state.breached & _CLOCK:
        return []
    marks = [(False, context.policy.thresholds.cap_warning_share), (True, 1.0)]
    marks = marks[1:] if state.warned & _CLOCK else marks
    started_us = context.session.started_us
    return [(is_cap, started_us + round(limit * share * _SECOND_US)) for is_cap, share in marks]


def _crossed(
    state: CostRunawayState, context: Context, bit: int, cap: CapName, *, used: float, tick_us: int | None = None
) -> list[Said]:
    """What is to be said of a cap whose warning, at least, was reached."""
    limit = getattr(context.caps, cap)
    if used > limit or (used >= limit and cap == "wall_clock_seconds"):
        if state.breached & bit:
            return []
        state.breached |= bit
        state.warned |= bit
        return [_breach(context, cap, used, tick_us), _hit(context, cap)]
    if state.warned & bit:
        return []
    state.warned |= bit
    return [_warning(context, cap, used, tick_us)]


def _breach(context: Context, cap: CapName, used: float, tick_us: int | None) -> Found:
    return Found(
        about=("breach", cap),
        severity="high",
        summary=f"{_told(context, cap, used)}: over its cap of {_amount(cap, getattr(context.caps, cap))}.",
        evidence=_use(context, cap, used, tick_us),
        first_us=_moment(context, cap, 1.0),
        at_us=tick_us,
        action="terminate" if context.session.is_open else None,
    )


def _warning(context: Context, cap: CapName, used: float, tick_us: int | None) -> Found:
    limit = getattr(context.caps, cap)
    return Found(
        about=("warning", cap),
        severity="low",
        summary=f"{_told(context, cap, used)}: {used / limit:.0%} of its cap of {_amount(cap, limit)}.",
        evidence=_use(context, cap, used, tick_us),
        first_us=_moment(context, cap, context.policy.thresholds.cap_warning_share),
        at_us=tick_us,
    )


def _moment(context: Context, cap: CapName, share: float) -> int | None:
    """When the wall clock passed its mark, whether an event or the tick finds it; None for what events alone cross."""
    limit = context.caps.wall_clock_seconds
    if cap != "wall_clock_seconds" or limit is None:
        return None
    return context.session.started_us + round(limit * share * _SECOND_US)


def _use(context: Context, cap: CapName, used: float, tick_us: int | None) -> CapUse:
    session, totals = context.session, context.session.totals
    limit = getattr(context.caps, cap)
    now_us = context.at_us if tick_us is None else tick_us
    return CapUse(
        cap=cap,
        limit=limit,
        used=used,
        share=used / limit,
        by_tick=tick_us is not None,
        tool_calls=totals.tool_calls,
        tokens=totals.tokens,
        wall_clock_seconds=max(0, now_us - session.started_us) / _SECOND_US,
        cost_usd=totals.cost_usd if totals.priced_requests else None,
    )


def _opened(context: Context) -> Told:
    session = context.session
    return Told(
        about=("opened",),
        subject=agent_subject(session.tenant_id, session.origin, session.agent_id),
        kind=SessionOpened,
        values={"capped_sessions_share": context.policy.thresholds.capped_sessions_share},
    )


def _hit(context: Context, cap: CapName) -> Told:
    session = context.session
    return Told(
        about=(cap,),
        subject=agent_subject(session.tenant_id, session.origin, session.agent_id),
        kind=CapHit,
        values={"cap": cap, "started_at": from_us(session.started_us)},
    )


def _told(context: Context, cap: CapName, used: float) -> str:
    match cap:
        case "tool_calls":
            return f"The session made {_amount(cap, used)}"
        case "tokens":
            return f"The session used {_amount(cap, used)} (uncached input and output)"
        case "wall_clock_seconds":
            return f"The session has run for {_amount(cap, used)}"
        case "cost_usd":
            unpriced = context.session.totals.unpriced_requests
            rest = f" and made {unpriced} requests whose price is not known" if unpriced else ""
            return f"The session cost {_amount(cap, used)}{rest}"


def _amount(cap: CapName, value: float) -> str:
    match cap:
        case "tool_calls":
            return f"{value:,.0f} tool calls"
        case "tokens":
            return f"{value:,.0f} tokens"
        case "wall_clock_seconds":
            return f"{value:,.6g} s"
        case "cost_usd":
            return f"${value:,.4f}"
