"""In which order sessions are labelled, so that whoever stops anywhere has drawn a fair sample.

Priority sampling (Duffield, Lund and Thorup 2007): each session has a place u from 0 to 1 and a size. By falling
size/u, the first k are a sample in which each session is with probability min(1, size/t), t being the priority of the
next one. Sums weighted by the inverse are right on average, whatever the sizes: they decide how sharp estimates are.

A session's place is made of its id and stays the same in all draws. So a session is in one of several draws where its
place lies below the largest of the probabilities that they give it, and that is its probability of being labelled at
all: later draws need not avoid earlier ones, and labels given once count in each.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from typing import Final

from watchkeeper.evals.sampling import unit_of
from watchkeeper.schemas.errors import ConfigurationError
from watchkeeper.schemas.labels import DrawRow, LabelStratum

_SMALLEST_PLACE: Final = 2.0**-54


@dataclass(frozen=True, slots=True)
class Worth:
    """How much labelling a session is worth, and why.

    Attributes:
        extra: 0 for any session; more for those from which a label teaches more.
    """

    session_id: str
    extra: float = 0.0
    stratum: LabelStratum = "uniform"
    why: str = ""


@dataclass(frozen=True, slots=True)
class Place:
    """A session in the order; see `schemas.labels.DrawRow`."""

    session_id: str
    size: float
    priority: float
    next_priority: float
    stratum: LabelStratum
    why: str

    @property
    def inclusion(self) -> float:
        """With which probability it was drawn, if the order is followed as far as here and no further."""
        return inclusion_of(self.size, self.next_priority)


def inclusion_of(size: float, bound: float) -> float:
    """With which probability a session's priority lies above the bound."""
    return min(1.0, size / bound) if bound > 0 else 1.0


def order(
    tenant: str, candidates: Sequence[Worth], wanted: int, *, handled: Collection[str] = (), random_share: float = 0.3
) -> list[Place]:
    """The first of the candidates to be labelled.

    Args:
        tenant: whose they are.
        candidates: all sessions that might be labelled, in any order.
        wanted: how many that nobody has labelled yet.
        handled: sessions that somebody has labelled or skipped: they stay in their places, and need no time.
        random_share: which part of the sample is drawn evenly from all; the rest by worth.

    Raises:
        ConfigurationError: the share is not above 0 and at most 1: without an even part, sessions of no special worth
            would never be labelled, and nothing could be said of all.
    """
    if not 0 < random_share <= 1:
        raise ConfigurationError(f"the random share is {random_share:g}: give one above 0 and at most 1")
    extra = sum(one.extra for one in candidates)
    even = 1.0 if extra <= 0 else random_share
    placed = []
    for one in candidates:
        size = even + ((1 - even) * len(candidates) * one.extra / extra if extra > 0 else 0.0)
        place = max(_SMALLEST_PLACE, unit_of("label", tenant, one.session_id))
        placed.append((size / place, size, one))
    placed.sort(key=lambda each: (-each[0], each[2].session_id))
    found: list[Place] = []
    fresh = 0
    for index, (priority, size, one) in enumerate(placed):
        if fresh == wanted:
            break
        fresh += one.session_id not in handled
        following = placed[index + 1][0] if index + 1 < len(placed) else 0.0
        found.append(Place(one.session_id, size, priority, following, one.stratum, one.why))
    return found


def inclusions(draws: Iterable[DrawRow], handled: Collection[str]) -> dict[str, float]:
    """With which probability each labelled session was drawn, over all draws.

    Args:
        draws: rows of any number of draws.
        handled: sessions that were labelled or skipped.

    Returns:
        By session. Of a draw, those count that were handled before the first that was not: what somebody labelled out
        of order was not drawn by it.
    """
    by_draw: dict[str, dict[int, DrawRow]] = {}
    for row in draws:
        by_draw.setdefault(row.draw_id, {})[row.position] = row
    found: dict[str, float] = {}
    for rows in by_draw.values():
        done: list[DrawRow] = []
        for position in range(len(rows)):
            placed = rows.get(position)
            if placed is None or placed.session_id not in handled:
                break
            done.append(placed)
        for row in done:
            chance = inclusion_of(row.size, done[-1].next_priority)
            found[row.session_id] = max(found.get(row.session_id, 0.0), chance)
    return found
