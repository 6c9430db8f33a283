"""Which ended sessions are graded: drawn by hash, risky ones more often, each with the probability of being drawn.

A session's place is a number from 0 to 1, made of its id: it is drawn where its place lies below the rate of its
stratum. So the same session is decided alike on any machine, at any time, and a higher rate keeps whom a lower drew.

What a budget has no room for is cut at random, by a second hash that knows nothing of the first. The probability of
having been kept goes into the weight of those that were: estimates are as right as before, only less sharp.
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final, Literal, TypeAlias, get_args

from watchkeeper.schemas.failure_modes import SEVERITIES

Risk: TypeAlias = Literal[
    "critical_finding",
    "high_finding",
    "any_finding",
    "negative_feedback",
    "escalated",
    "abstained",
    "high_cost",
    "failed",
]
"""Why a session is drawn more often than others."""

RISKS: Final[tuple[Risk, ...]] = get_args(Risk)
UNIFORM: Final = "uniform"

_UNITS: Final = 2**53
"""As many numbers from 0 to 1 as a float tells apart."""


@dataclass(frozen=True, slots=True)
class Traits:
    """What is known of a session when it is decided whether to grade it.

    Attributes:
        worst_severity: of its open findings; empty where there are none.
        cost_usd: None where unknown.
        failed: it ended by an error, or without an end.
    """

    worst_severity: str = ""
    negative_feedback: bool = False
    escalated: bool = False
    abstained: bool = False
    failed: bool = False
    cost_usd: float | None = None


@dataclass(frozen=True, slots=True)
class Rates:
    """How often sessions are drawn.

    Attributes:
        uniform: the share of sessions of which nothing special is known; above 0, or they would never be seen.
        risks: the share of sessions with a risk; the highest of a session's rates counts.
        high_cost_usd: from where a session is a dear one; None for never.
        salt: another salt draws other sessions.
    """

    uniform: float
    risks: Mapping[Risk, float] = field(default_factory=dict)
    high_cost_usd: float | None = None
    salt: str = ""


@dataclass(frozen=True, slots=True)
class Draw:
    """What was decided of one session.

    Attributes:
        stratum: `uniform`, or the risk that gave the rate.
        inclusion: the probability of being drawn.
        place: the session's number from 0 to 1.
    """

    stratum: str
    inclusion: float
    place: float

    @property
    def drawn(self) -> bool:
        """Whether it is to be graded."""
        return self.place < self.inclusion


def unit_of(*parts: str) -> float:
    """A number from 0 to below 1 made of texts: the same texts, the same number; other texts, an independent one."""
    digest = hashlib.blake2b(digest_size=8, person=b"watchkeeper-draw")
    for part in parts:
        raw = part.encode()
        digest.update(len(raw).to_bytes(4, "big"))
        digest.update(raw)
    return (int.from_bytes(digest.digest(), "big") >> 11) / _UNITS


def risks_of(traits: Traits, high_cost_usd: float | None = None) -> tuple[Risk, ...]:
    """The risks that a session's traits show."""
    worst = SEVERITIES.index(traits.worst_severity) if traits.worst_severity in SEVERITIES else -1
    dear = high_cost_usd is not None and traits.cost_usd is not None and traits.cost_usd >= high_cost_usd
    shown: dict[Risk, bool] = {
        "critical_finding": worst >= SEVERITIES.index("critical"),
        "high_finding": worst >= SEVERITIES.index("high"),
        "any_finding": worst >= 0,
        "negative_feedback": traits.negative_feedback,
        "escalated": traits.escalated,
        "abstained": traits.abstained,
        "high_cost": dear,
        "failed": traits.failed,
    }
    return tuple(risk for risk in RISKS if shown[risk])


def decide(rates: Rates, tenant_id: str, session_id: str, traits: Traits) -> Draw:
    """Decides of one session; what it answers depends on its arguments alone."""
    stratum, inclusion = UNIFORM, rates.uniform
    for risk in risks_of(traits, rates.high_cost_usd):
        if rates.risks.get(risk, 0.0) > inclusion:
            stratum, inclusion = risk, rates.risks[risk]
    return Draw(stratum, inclusion, unit_of("sample", rates.salt, tenant_id, session_id))


@dataclass(frozen=True, slots=True)
class Cut:
    """What a budget left of those that were drawn.

    Attributes:
        kept: positions of those that stay, in order.
        share: with which probability each of them stayed: multiply it into their inclusion.
    """

    kept: tuple[int, ...]
    share: float


def cut_to(room: float, drawn: Sequence[tuple[str, str]], salt: str = "") -> Cut:
    """Cuts those drawn down to what there is room for, every one with the same probability.

    Args:
        room: how many may stay; of a fraction, one more stays with that probability.
        drawn: tenant and session of each.
        salt: as in `Rates`.
    """
    count = len(drawn)
    if count <= room:
        return Cut(tuple(range(count)), 1.0)
    if room <= 0:
        return Cut((), 0.0)
    whole = math.floor(room)
    # One number for all of them: the same batch is cut alike wherever it is cut.
    extra = unit_of("extra", salt, *(part for pair in sorted(drawn) for part in pair)) < room - whole
    order = sorted(range(count), key=lambda index: unit_of("cut", salt, *drawn[index]))
    return Cut(tuple(sorted(order[: whole + extra])), room / count)


@dataclass(frozen=True, slots=True)
class Graded:
    """One graded session: what it got, and the probability with which it was drawn."""

    value: float
    inclusion: float


@dataclass(frozen=True, slots=True)
class WeightedMean:
    """A mean over all sessions, estimated from those that were drawn.

    Attributes:
        mean: None where nothing was graded.
        standard_error: None below two sessions.
        sessions: how many sessions the graded ones stand for.
        effective: how many sessions drawn with one probability would tell as much.
    """

    mean: float | None
    standard_error: float | None
    sessions: float
    effective: float


def total_of(graded: Sequence[Graded]) -> float:
    """The sum over all sessions, graded or not (Horvitz and Thompson): right on average, whatever the rates."""
    return math.fsum(one.value / one.inclusion for one in graded)


def mean_of(graded: Sequence[Graded]) -> WeightedMean:
    """The mean over all sessions (Hájek): the estimated sum by the estimated number.

    Its error is that of the process that made the sessions, not only of the draw: where every session was graded, the
    next day's mean still differs from this one's.
    """
    weights = [1 / one.inclusion for one in graded]
    sessions = math.fsum(weights)
    if not sessions:
        return WeightedMean(None, None, 0.0, 0.0)
    mean = math.fsum(weight * one.value for weight, one in zip(weights, graded, strict=True)) / sessions
    effective = sessions**2 / math.fsum(weight**2 for weight in weights)
    if len(graded) < 2:
        return WeightedMean(mean, None, sessions, effective)
    spread = math.fsum((weight * (one.value - mean)) ** 2 for weight, one in zip(weights, graded, strict=True))
    error = math.sqrt(spread * len(graded) / (len(graded) - 1)) / sessions
    return WeightedMean(mean, error, sessions, effective)
