"""What a run performs: how many plants of each recipe, near misses and jobs, in which order."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from random import Random

from scorecard.bundles import Bundle
from scorecard.composer import Composer, Place
from scorecard.model import HISTORIES, HISTORY, ModeCard, NearMiss, Recipe, chances


@dataclass(frozen=True, slots=True)
class Size:
    """How much a run performs.

    Attributes:
        plants: of each mode, over its recipes; the same number of each. Of a card with parts, of each part at least.
        clean: clean performances, one in five of them a near miss.
    """

    plants: int = 200
    clean: int = 5000


NEAR = 0.2
"""The share of near misses among what is clean."""

SESSIONS_OF_A_JOB = 1.2
"""On the average: some jobs are handed on."""

TRIAL = -1
"""The number of a performance that is not part of the run."""

QUICK = Size(plants=12, clean=100)


@dataclass(frozen=True, slots=True)
class _Clean:
    card: ModeCard | None
    near: NearMiss | None
    number: int


class Plan:
    """See the module.

    Args:
        cards: the modes that are put to the test.
        size: how much.
        seed: the run's.
    """

    def __init__(self, cards: Sequence[ModeCard], size: Size, seed: str) -> None:
        self.cards = cards
        self.size = size
        self._seed = seed

    @property
    def total(self) -> int:
        """How many bundles there will be."""
        return len(self._plants()) + self.size.clean

    def bundles(self, composer: Composer) -> Iterator[Bundle]:
        """All of them, composed one by one: plants in a mixed order, and clean ones in the order of their times."""
        plants = self._plants()
        Random(f"{self._seed}/order").shuffle(plants)
        clean = self._clean(self._sessions(composer))
        # Plants with many sessions take longest to publish, and clean ones must not all come at the end.
        for number in range(max(len(plants), len(clean))):
            if number < len(plants):
                card, recipe, count = plants[number]
                yield composer.plant(card, recipe, count)
            if number < len(clean):
                yield _performed(composer, clean[number], Place(number, len(clean)))

    def _plants(self) -> list[tuple[ModeCard, Recipe, int]]:
        return [
            (card, recipe, number)
            for card in self.cards
            for recipe in card.recipes
            for number in range(-(-self._plants_of(card) // min(map(len, _divided(card)))))
        ]

    def _plants_of(self, card: ModeCard) -> int:
        return self.size.plants if card.plants is None else min(self.size.plants, card.plants)

    def _clean(self, sessions: Sequence[int]) -> list[_Clean]:
        near = [(card, one) for card in self.cards for one in card.near_misses]
        counts = near_counts(sessions, self.size.clean)
        chosen = [_Clean(*one, number) for one, count in zip(near, counts, strict=True) for number in range(count)]
        chosen += [_Clean(None, None, number) for number in range(self.size.clean - len(chosen))]
        Random(f"{self._seed}/clean").shuffle(chosen)
        return chosen

    def _sessions(self, composer: Composer) -> list[int]:
        """How many sessions each near miss has, by one performance that is not sent."""
        places = ((card, one, Place(0, 1)) for card in self.cards for one in card.near_misses)
        return [len(composer.near_miss(card, one, TRIAL, place).sessions) for card, one, place in places]


def near_counts(sessions: Sequence[int], clean: int) -> list[int]:
    """How often each near miss is performed, so that one in five of the clean ones is a near miss.

    By performances somewhat less than a fifth, by sessions somewhat more, a fifth on the average: a near miss of many
    sessions is performed seldom, but once at least if there is room for all, and a history twice.

    Args:
        sessions: of one performance of each.
        clean: clean performances.
    """
    if clean < 5 * len(sessions):
        every = -(-len(sessions) * 5 // max(1, clean))
        return [int(number % every == 0) for number in range(len(sessions))]
    counts, per = [0] * len(sessions), 0.0
    while sum(counts) < clean:
        per += 0.25
        more = [HISTORIES if size >= HISTORY else max(1, int(per / size)) for size in sessions]
        held = sum(count * chances(size) for count, size in zip(more, sessions, strict=True))
        by_sessions = held / (held + (clean - sum(more)) * SESSIONS_OF_A_JOB)
        if sum(more) / clean + by_sessions > 2 * NEAR and any(counts):
            return counts
        counts = more
    return counts


def _divided(card: ModeCard) -> list[Collection[str]]:
    return [part.recipes for part in card.parts] or [[one.name for one in card.recipes]]


def _performed(composer: Composer, one: _Clean, place: Place) -> Bundle:
    if one.card is None or one.near is None:
        return composer.job(one.number, place)
    return composer.near_miss(one.card, one.near, one.number, place)
