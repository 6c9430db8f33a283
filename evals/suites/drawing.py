"""Which candidates become cases: strata in proportion, near duplicates once, and different ones within each stratum.

Each place of a stratum stands for one cluster of its requests, and one session of the cluster is drawn at random. So
the sessions that a cluster holds are known, and each case says what part of them it is: `inclusion` is one by the
number of sessions that it stands for, and those numbers sum up to all sessions that might have been drawn.
"""

from __future__ import annotations

import hashlib
import math
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field

from watchkeeper.evals.suites.allocation import allocate
from watchkeeper.evals.suites.candidates import Candidate
from watchkeeper.evals.suites.clustering import clusters_of
from watchkeeper.evals.suites.likeness import Likeness
from watchkeeper.evals.suites.strata import (
    OutcomeClass,
    band_of,
    bands_of,
    difficulty_of,
    outcome_of,
    stratum_of,
    worst_of,
)


@dataclass(frozen=True, slots=True)
class Kind:
    """Requests that are alike.

    Attributes:
        members: the candidates that make them, at least one.
        outcome: the worst that is known to have become of any.
    """

    members: tuple[Candidate, ...]
    stratum: str
    outcome: OutcomeClass

    @property
    def weight(self) -> float:
        """How many sessions they stand for."""
        return sum(member.weight for member in self.members)

    @property
    def request(self) -> str:
        """What is asked, as the first of them puts it."""
        return self.members[0].cut.request


@dataclass(frozen=True, slots=True)
class Pick:
    """A candidate that becomes a case.

    Attributes:
        alike: all that ask the same, itself included.
        cluster: numbers the clusters of its stratum, from 0.
        inclusion: one by the number of sessions that it stands for.
    """

    candidate: Candidate
    alike: tuple[Candidate, ...]
    stratum: str
    cluster: int
    inclusion: float


@dataclass(frozen=True, slots=True)
class Draw:
    """What was drawn.

    Attributes:
        picks: by stratum and cluster.
        bands: up to which difficulty a session is easy, and up to which medium.
        shares: the part of the sessions in each stratum.
        alike: how many candidates were near duplicates of others.
        available: how many different requests each stratum has.
    """

    picks: tuple[Pick, ...]
    bands: tuple[float, float]
    shares: dict[str, float] = field(default_factory=dict)
    alike: int = 0
    available: dict[str, int] = field(default_factory=dict)


def draw(
    candidates: Sequence[Candidate],
    size: int,
    *,
    seed: int = 0,
    minimum: int = 3,
    bands: tuple[float, float] | None = None,
) -> Draw:
    """Draws cases.

    Args:
        candidates: what there is; the same ones in the same order, with size and seed, give the same cases.
        size: how many; fewer come where there are fewer different requests.
        seed: of what is left to chance.
        minimum: what each stratum gets at least, if it has so many.
        bands: of difficulty, where an earlier draw fixed them.
    """
    hard = [difficulty_of(one.interaction) for one in candidates]
    chosen = bands or bands_of(hard, [one.weight for one in candidates])
    strata: dict[str, list[Kind]] = {}
    for kind in kinds_of(candidates, chosen):
        strata.setdefault(kind.stratum, []).append(kind)
    weights = {name: sum(kind.weight for kind in kinds) for name, kinds in strata.items()}
    available = {name: len(kinds) for name, kinds in strata.items()}
    places = allocate(weights, available, size, minimum=minimum)
    picks = [pick for name in sorted(strata) for pick in picked(strata[name], places[name], seed)]
    total = sum(weights.values())
    return Draw(
        picks=tuple(picks),
        bands=chosen,
        shares={name: round(weights[name] / total, 6) for name in sorted(weights)},
        alike=len(candidates) - sum(available.values()),
        available=available,
    )


def kinds_of(candidates: Sequence[Candidate], bands: tuple[float, float]) -> list[Kind]:
    """Candidates that ask alike, within each intent. A kind is as hard as its sessions were on average."""
    seen: dict[str, Likeness] = {}
    grouped: dict[tuple[str, int], list[Candidate]] = {}
    for one in candidates:
        intent, request = one.interaction.intent, one.cut.request
        likeness = seen.setdefault(intent, Likeness())
        found = likeness.find(request)
        number = likeness.add(request) if found is None else found
        grouped.setdefault((intent, number), []).append(one)
    return [_kind(intent, members, bands) for (intent, _), members in grouped.items()]


def _kind(intent: str, members: Sequence[Candidate], bands: tuple[float, float]) -> Kind:
    outcome = worst_of(outcome_of(one.interaction) for one in members)
    weight = sum(one.weight for one in members)
    hard = sum(difficulty_of(one.interaction) * one.weight for one in members) / weight
    return Kind(tuple(members), stratum_of(intent, outcome, band_of(round(hard, 4), bands)), outcome)


def picked(kinds: Sequence[Kind], places: int, seed: int) -> list[Pick]:
    """So many of one stratum's kinds, each of a cluster of its own."""
    if not places:
        return []
    clusters = clusters_of([kind.request for kind in kinds], places, seed=seed)
    found = []
    for number, cluster in enumerate(clusters):
        # A kind stands in its stratum for the worst that became of it: a session is drawn of which that is true.
        one, kind = min(
            ((one, kinds[place]) for place in cluster for one in _truest(kinds[place])),
            key=lambda pair: (_wait(pair[0], seed), pair[0].interaction.interaction_id),
        )
        weight = sum(kinds[place].weight for place in cluster)
        found.append(Pick(one, kind.members, kind.stratum, number, min(1.0, 1 / weight)))
    return found


def _truest(kind: Kind) -> list[Candidate]:
    return [one for one in kind.members if outcome_of(one.interaction) == kind.outcome]


def _wait(one: Candidate, seed: int) -> float:
    """The shortest wait is drawn: exponential, so that each is drawn in proportion to its weight."""
    digest = hashlib.blake2b(f"draw/{seed}/{one.interaction.interaction_id}".encode(), digest_size=8).digest()
    return -math.log((int.from_bytes(digest) + 1) / (2**64 + 1)) / one.weight


def counted(picks: Sequence[Pick]) -> Counter[str]:
    """How many were drawn of each stratum."""
    return Counter(pick.stratum for pick in picks)
