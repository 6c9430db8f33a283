"""Customers who meet with more of something than a business rule allows.

What it sees. One signal for each decision, or call that happened, that a constraint with `per_customer` picks: more
than `at_most` for one customer in any `days` are `customer_limit_exceeded`, with the severity that the policy gives.
A retention agent that discounts everybody, every month, is found here. One finding for each episode, told again
whenever what is above the limit has doubled.

Method. A sliding window that ends with the latest signal; each decision or call counts once, however often it is
told. The first above the limit names the episode, which lasts as long as another one follows within the window's
length.

Parameters: `constraints[].per_customer` of the policy of the session at hand. `MAX_MADE` 128 are remembered: twice the
largest limit.

What it gets wrong. The customer is who the event says it is: one who has two numbers has two counts. Sessions of
another agent, or of a constraint that was renamed, are counted apart. Signals that come more than a window late are not
counted. Past 128 in one window the oldest are forgotten, and one of them told again counts twice.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

from watchkeeper.schemas.evidence import CustomerLimitExceeded
from watchkeeper.schemas.model import to_us
from watchkeeper.schemas.signals import CustomerMet, Signal
from watchkeeper.stream_processors.detection.detector import Found
from watchkeeper.stream_processors.detection.fingerprints import digest
from watchkeeper.stream_processors.detection.subject_rule import SubjectRule

MAX_MADE = 128
MAX_SESSIONS = 5
_DAY_US = 86_400_000_000


@dataclass(slots=True)
class CustomerLimitState:
    """One customer under one constraint.

    Attributes:
        made: `[time, digest]` of each decision or call in the window, in the order of their times.
        first: the digest that began the episode; "" where none is open.
        first_us: its time.
        last_us: the latest above the limit.
        above: how many are above the limit in this episode.
        sessions: in which they were, the latest last.
    """

    made: list[tuple[int, str]] = field(default_factory=list)
    first: str = ""
    first_us: int = 0
    last_us: int = 0
    above: int = 0
    sessions: list[str] = field(default_factory=list)


class CustomerLimits(SubjectRule[CustomerLimitState]):
    """See the module."""

    rule_id = "customer_limit"
    failure_mode = "goal_misgeneralization"
    listens = frozenset({"customer_met"})
    state_type = CustomerLimitState

    def fold(self, state: CustomerLimitState, signal: Signal) -> Iterable[Found]:
        """See `SubjectRule.fold`."""
        if not isinstance(signal, CustomerMet):
            return ()
        limit = signal.limit
        length_us = round(limit.days * _DAY_US)
        at_us, made = to_us(signal.occurred_at), digest(f"{signal.session_id}\0{signal.where}\0{signal.reference}")
        if not _take(state, at_us, made, length_us) or len(state.made) <= limit.at_most:
            return ()
        if not state.first or at_us - state.last_us > length_us:
            state.first, state.first_us, state.above, state.sessions = made, at_us, 0, []
        state.above += 1
        state.last_us = max(state.last_us, at_us)
        known = [one for one in state.sessions if one != signal.session_id]
        state.sessions = [*known, signal.session_id][-MAX_SESSIONS:]
        if state.above & (state.above - 1):
            return ()
        return [_found(state, signal)]


def _take(state: CustomerLimitState, at_us: int, made: str, length_us: int) -> bool:
    """Whether it is in the window and new there."""
    latest_us = max(at_us, state.made[-1][0] if state.made else 0)
    state.made = [(us, one) for us, one in state.made if us > latest_us - length_us]
    if at_us <= latest_us - length_us or any(one == made for _, one in state.made):
        return False
    state.made.append((at_us, made))
    state.made.sort()
    del state.made[:-MAX_MADE]
    return True


def _found(state: CustomerLimitState, signal: CustomerMet) -> Found:
    limit = signal.limit
    says = f": {signal.message.rstrip('.')}" if signal.message else ""
    return Found(
        about=("limit", signal.constraint, state.first),
        severity=signal.severity,
        summary=(
            f"A customer met with {signal.name} {state.above} more than the {limit.at_most} in {limit.days:g} days "
            f"that {signal.constraint} allows{says}."
        ),
        evidence=CustomerLimitExceeded(
            constraint=signal.constraint,
            where=signal.where,
            name=signal.name,
            at_most=limit.at_most,
            days=limit.days,
            above=state.above,
            sessions=state.sessions,
            message=signal.message,
        ),
        first_us=state.first_us,
        revision=state.above.bit_length() - 1,
        session_id=signal.session_id,
    )
