"""What differs between two suites, and between a suite and what agents are asked now."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from watchkeeper.evals.rubric import Rubric
from watchkeeper.evals.suites.candidates import Candidate
from watchkeeper.evals.suites.case import Case
from watchkeeper.evals.suites.drawing import kinds_of
from watchkeeper.evals.suites.suite import Suite

_NOT_CONTENT: Final = frozenset({"provenance"})
"""Where a case comes from is no part of what is asked and expected."""

_Z: Final = 1.96


@dataclass(frozen=True, slots=True)
class CaseChange:
    """A case that both have, with the fields that differ."""

    case_id: str
    fields: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class RubricChange:
    """What is different in the rubric of one intent, in a few words: `criterion tone: weight 1 -> 2`."""

    intent: str
    change: str


@dataclass(frozen=True, slots=True)
class Shift:
    """The part of one stratum, before and now.

    Attributes:
        margin: half of the 95 % interval around `now`; 0 where everything was counted.
    """

    stratum: str
    before: float
    now: float
    margin: float = 0.0

    @property
    def is_clear(self) -> bool:
        """Whether it is more than chance."""
        return abs(self.now - self.before) > self.margin


@dataclass(frozen=True, slots=True)
class Difference:
    """What `new` has that `old` has not, and the other way round."""

    added: tuple[Case, ...]
    removed: tuple[Case, ...]
    changed: tuple[CaseChange, ...]
    rubrics: tuple[RubricChange, ...]
    mix: tuple[Shift, ...]

    @property
    def is_empty(self) -> bool:
        """Whether both ask and expect the same."""
        return not (self.added or self.removed or self.changed or self.rubrics)


def compare(old: Suite, new: Suite) -> Difference:
    """What changed from one suite to another."""
    before = {case.case_id: case for case in old.cases}
    after = {case.case_id: case for case in new.cases}
    return Difference(
        added=tuple(case for name, case in after.items() if name not in before),
        removed=tuple(case for name, case in before.items() if name not in after),
        changed=tuple(_case_changes(before, after)),
        rubrics=tuple(_rubric_changes(old.rubrics, new.rubrics)),
        mix=shifts(mix_of(old.cases), mix_of(new.cases)),
    )


def mix_of(cases: Sequence[Case]) -> dict[str, float]:
    """The part of the cases in each stratum, as they stand: what an unweighted score over the suite is of."""
    counts: dict[str, int] = {}
    for case in cases:
        name = case.provenance.stratum or f"{case.intent}//"
        counts[name] = counts.get(name, 0) + 1
    return {name: counts[name] / len(cases) for name in sorted(counts)}


def live_mix(candidates: Sequence[Candidate], bands: tuple[float, float]) -> dict[str, float]:
    """The part of live sessions in each stratum."""
    weights: dict[str, float] = {}
    for kind in kinds_of(candidates, bands):
        weights[kind.stratum] = weights.get(kind.stratum, 0.0) + kind.weight
    total = sum(weights.values())
    return {name: weights[name] / total for name in sorted(weights)}


def shifts(before: Mapping[str, float], now: Mapping[str, float], *, read: int = 0) -> tuple[Shift, ...]:
    """How the mix moved, the largest move first; `read` is how many sessions `now` was estimated from."""
    found = []
    for name in {*before, *now}:
        old, new = before.get(name, 0.0), now.get(name, 0.0)
        found.append(Shift(name, old, new, _margin(new, read)))
    return tuple(sorted(found, key=lambda one: (-abs(one.now - one.before), one.stratum)))


def distance(moved: Iterable[Shift]) -> float:
    """The part of the sessions that would have to be of another stratum for both to be alike (total variation)."""
    return sum(abs(one.now - one.before) for one in moved) / 2


def _margin(share: float, read: int) -> float:
    """Half of Wilson's 95 % interval: honest for shares near 0 too."""
    if not read:
        return 0.0
    spread = share * (1 - share) / read + _Z**2 / (4 * read**2)
    return _Z * math.sqrt(spread) / (1 + _Z**2 / read)


def _case_changes(before: Mapping[str, Case], after: Mapping[str, Case]) -> Iterator[CaseChange]:
    for name, case in after.items():
        if name in before:
            fields = tuple(_differing(before[name], case))
            if fields:
                yield CaseChange(name, fields)


def _differing(one: Case, other: Case) -> Iterator[str]:
    for name in Case.model_fields:
        if name not in _NOT_CONTENT and getattr(one, name) != getattr(other, name):
            yield name


def _rubric_changes(old: Iterable[Rubric], new: Iterable[Rubric]) -> Iterator[RubricChange]:
    before, after = ({rubric.intent: rubric for rubric in rubrics} for rubrics in (old, new))
    for intent in sorted({*before, *after}):
        if intent not in before:
            yield RubricChange(intent, "rubric added")
        elif intent not in after:
            yield RubricChange(intent, "rubric removed")
        else:
            yield from (RubricChange(intent, change) for change in _within(before[intent], after[intent]))


def _within(old: Rubric, new: Rubric) -> Iterator[str]:
    if old.bar != new.bar:
        yield f"bar: {old.bar:g} -> {new.bar:g}"
    before, after = ({one.name: one for one in rubric.criteria} for rubric in (old, new))
    for name in (*before, *(name for name in after if name not in before)):
        if name not in after:
            yield f"criterion {name} removed"
        elif name not in before:
            yield f"criterion {name} added"
        else:
            for field in type(before[name]).model_fields:
                one, other = getattr(before[name], field), getattr(after[name], field)
                if one != other:
                    yield f"criterion {name}: {field} {_spelled(one)} -> {_spelled(other)}"


def _spelled(value: Any) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    return f"{value:g}" if isinstance(value, float) else repr(value) if isinstance(value, str) else str(value)
