"""A suite with what live traffic has and it lacks: the rest stays as it was frozen, under the next version."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from watchkeeper.evals.rubric import Rubric
from watchkeeper.evals.suites.allocation import allocate
from watchkeeper.evals.suites.candidates import OnProgress, Pool, Reading, Wanted, gather
from watchkeeper.evals.suites.case import Case
from watchkeeper.evals.suites.casting import Casting, Masks
from watchkeeper.evals.suites.creating import different, drawn_from
from watchkeeper.evals.suites.drawing import Kind, Pick, kinds_of, picked
from watchkeeper.evals.suites.likeness import Likeness
from watchkeeper.evals.suites.starting_rubrics import starting_rubrics
from watchkeeper.evals.suites.strata import bands_of, difficulty_of
from watchkeeper.evals.suites.suite import ANY_INTENT, Drawn, Suite

ENOUGH: Final = 0.8
"""A stratum that has so much of its part of live traffic lacks nothing."""


@dataclass(frozen=True, slots=True)
class Refreshed:
    """What a refresh came to.

    Attributes:
        suite: the next version, not yet frozen; the suite itself where there is nothing to change.
        added: its new cases.
        new_rubrics: intents that got a rubric to begin with.
        edited: whether what people edited since the last version is in it.
        covered: the part of live sessions that ask what some case asks.
        unseen: strata of the suite in which no live session was found.
    """

    suite: Suite
    added: tuple[Case, ...] = ()
    new_rubrics: tuple[str, ...] = ()
    edited: bool = False
    covered: float = 0.0
    unseen: tuple[str, ...] = ()

    @property
    def is_changed(self) -> bool:
        """Whether there is a new version to freeze."""
        return bool(self.added) or self.edited


def refresh(
    suite: Suite,
    reading: Reading,
    wanted: Wanted,
    casting: Casting,
    *,
    next_version: int,
    most: int,
    minimum: int = 3,
    told: OnProgress = lambda _what, _many: None,
) -> Refreshed:
    """Draws what the suite lacks.

    Args:
        suite: the working copy; what was edited in it goes into the next version.
        reading: reads sessions.
        wanted: which live sessions to look at; its `size` is what the suite should have, if that is more than it has.
        casting: how sessions become cases.
        next_version: the number of the next version.
        most: how many cases are added at most.
        minimum: what each stratum should have at least.
        told: hears of the progress.
    """
    pool = gather(reading, wanted, told)
    bands = suite.drawn.bands if suite.drawn else _bands(pool)
    kinds = kinds_of(pool.candidates, bands)
    new = _uncovered(suite.cases, kinds, casting.masks)
    total = sum(kind.weight for kind in kinds)
    picks = _lacking(suite.cases, kinds, new, size=wanted.size, most=most, minimum=minimum, seed=wanted.seed)
    known = {case.case_id for case in suite.cases}
    added = tuple(case for case in different(map(casting.case_of, picks)) if case.case_id not in known)
    edited = suite.state != "frozen"
    unseen = _unseen(suite.cases, kinds)
    covered = 1 - sum(kind.weight for kind in new) / total if total else 0.0
    if not added and not edited:
        return Refreshed(suite, covered=covered, unseen=unseen)
    rubrics = _rubrics(suite, added)
    changed = suite.model_copy(
        update={
            "version": next_version,
            "created": casting.drawn_at,
            "frozen": "",
            "drawn": _drawn(suite, wanted, pool, bands, kinds),
            "cases": (*suite.cases, *added),
            "rubrics": (*suite.rubrics, *rubrics),
        }
    )
    return Refreshed(
        suite=changed,
        added=added,
        new_rubrics=tuple(rubric.intent for rubric in rubrics),
        edited=edited,
        covered=covered,
        unseen=unseen,
    )


def freeze_edits(suite: Suite, *, next_version: int, at: datetime) -> Refreshed:
    """The next version of what people edited, without a look at live sessions; nothing where nothing was edited."""
    if suite.state == "frozen":
        return Refreshed(suite)
    changed = suite.model_copy(update={"version": next_version, "created": at, "frozen": ""})
    return Refreshed(changed, edited=True)


def _bands(pool: Pool) -> tuple[float, float]:
    return bands_of(
        [difficulty_of(one.interaction) for one in pool.candidates], [one.weight for one in pool.candidates]
    )


def _unseen(cases: Sequence[Case], kinds: Sequence[Kind]) -> tuple[str, ...]:
    """Strata of cases that live sessions have not; where there are no sessions, nothing can be said."""
    live = {kind.stratum for kind in kinds}
    seen = {case.provenance.stratum for case in cases if case.provenance.stratum}
    return tuple(sorted(seen - live)) if live else ()


def _uncovered(cases: Sequence[Case], kinds: Sequence[Kind], masks: Masks) -> list[Kind]:
    """The kinds of request that are like those of no case."""
    known: dict[str, Likeness] = {}
    for case in cases:
        known.setdefault(case.intent, Likeness()).add(request_of(case))
    return [kind for kind in kinds if not _is_known(known.get(kind.members[0].interaction.intent), kind, masks)]


def _is_known(likeness: Likeness | None, kind: Kind, masks: Masks) -> bool:
    # Cases are masked, and must be compared with what is.
    asked = {one.cut.request for one in kind.members}
    return likeness is not None and any(
        likeness.find(masks(request, is_json=False)) is not None for request in sorted(asked)
    )


def request_of(case: Case) -> str:
    """What a case asks."""
    return "\n".join(turn.text for turn in case.messages if turn.speaker == "user")


def _lacking(
    cases: Sequence[Case], kinds: Sequence[Kind], new: Sequence[Kind], *, size: int, most: int, minimum: int, seed: int
) -> Iterator[Pick]:
    """Picks of what strata lack of their part of live traffic; where there is no room for all, the worst first."""
    have = Counter(case.provenance.stratum for case in cases)
    weights: dict[str, float] = {}
    fresh: dict[str, list[Kind]] = {}
    for kind in kinds:
        weights[kind.stratum] = weights.get(kind.stratum, 0.0) + kind.weight
    for kind in new:
        fresh.setdefault(kind.stratum, []).append(kind)
    scale = max(size, len(cases)) / sum(weights.values()) if weights else 0.0
    lacks: dict[str, int] = {}
    for name, kinds_of_it in fresh.items():
        part = math.floor(weights[name] * scale)
        # A little less than its part is the price of the minima of others, and no lack.
        target = part if have[name] < ENOUGH * part else have[name]
        lack = min(len(kinds_of_it), max(target, minimum) - have[name])
        if lack > 0:
            lacks[name] = lack
    places = allocate({name: weights[name] for name in lacks}, lacks, most, minimum=0, held=have)
    for name in sorted(places):
        yield from picked(fresh[name], places[name], seed)


def _rubrics(suite: Suite, added: Sequence[Case]) -> tuple[Rubric, ...]:
    """Rubrics for intents that the suite had none of its own for."""
    known = {rubric.intent for rubric in suite.rubrics} | {case.intent for case in suite.cases}
    return tuple(one for one in starting_rubrics(added) if one.intent not in known and one.intent != ANY_INTENT)


def _drawn(suite: Suite, wanted: Wanted, pool: Pool, bands: tuple[float, float], kinds: Sequence[Kind]) -> Drawn | None:
    total = sum(kind.weight for kind in kinds)
    if not total:
        return suite.drawn
    shares: dict[str, float] = {}
    for kind in kinds:
        shares[kind.stratum] = shares.get(kind.stratum, 0.0) + kind.weight / total
    rounded = {name: min(1.0, round(shares[name], 6)) for name in sorted(shares)}
    return drawn_from(wanted, pool, alike=len(pool.candidates) - len(kinds), bands=bands, shares=rounded)
