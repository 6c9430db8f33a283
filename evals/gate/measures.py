"""What is compared: attempts of two sides, paired by case, as measures of the whole, of intents and of criteria."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from watchkeeper.evals.gate.attempts import Attempt, Side
from watchkeeper.evals.gate.decision import Measure
from watchkeeper.evals.gate.paired import Pair
from watchkeeper.schemas.errors import ConfigurationError
from watchkeeper.schemas.scores import Score

ANSWERS = "answers"
"""The measure of whether there was an answer at all."""

_PASSED_FROM = 0.5
Bar = Callable[[str], float]
"""From which value a criterion is passed, by the case's intent."""


@dataclass(slots=True)
class _Seen:
    """What one side got on one case: values of each grader and criterion; which graders had something to say."""

    attempts: int = 0
    answered: int = 0
    values: dict[str, list[float]] = field(default_factory=lambda: defaultdict(list))
    applied: set[str] = field(default_factory=set)
    criteria: dict[str, list[float]] = field(default_factory=lambda: defaultdict(list))


_Values = Callable[[Mapping[str, _Seen], str], list[float]]
"""Of one side and case."""


def measures_of(
    baseline: Sequence[Attempt], candidate: Sequence[Attempt], *, bar: Bar = lambda _: _PASSED_FROM
) -> list[Measure]:
    """The measures of a comparison.

    A case counts by the mean over its repeats. A grade counts as passed or not where its grader says so, else by its
    value; labels are not compared, failures are no values. What one side alone has is missing.

    Raises:
        ConfigurationError: the sides answered no case in common, or the same grader had two versions.
    """
    _same_graders(baseline, candidate)
    theirs, ours = _seen(baseline, bar), _seen(candidate, bar)
    cases = [case for case in theirs if case in ours]
    if not cases:
        raise ConfigurationError("baseline and candidate have no case in common: run both on the same suite")
    intents = {attempt.case_id: attempt.intent for attempt in (*candidate, *baseline)}
    graders = sorted({name for seen in (*theirs.values(), *ours.values()) for name in seen.values})
    measures = []
    for grader in graders:
        measures.extend(_of_grader(grader, cases, theirs, ours, intents))
    criteria = sorted({name for seen in (*theirs.values(), *ours.values()) for name in seen.criteria})
    measures.extend(Measure(one, "must_pass", _pairs(cases, _of_criterion(one), theirs, ours)) for one in criteria)
    answered = tuple(
        Pair(
            case,
            theirs[case].answered / theirs[case].attempts,
            ours[case].answered / ours[case].attempts,
        )
        for case in cases
    )
    return [*measures, Measure(ANSWERS, "answers", answered)]


def _of_grader(
    grader: str,
    cases: Sequence[str],
    theirs: Mapping[str, _Seen],
    ours: Mapping[str, _Seen],
    intents: Mapping[str, str],
) -> list[Measure]:
    pairs = _pairs(cases, lambda side, case: side[case].values.get(grader, []), theirs, ours)
    paired = {pair.case_id for pair in pairs}
    missing = [
        case for case in cases if case not in paired and (_wanted(theirs[case], grader) or _wanted(ours[case], grader))
    ]
    found = [Measure(grader, "whole", pairs, missing=len(missing))]
    names = sorted({intents[case] for case in cases})
    if len(names) < 2:
        return found
    for name in names:
        own = tuple(pair for pair in pairs if intents[pair.case_id] == name)
        found.append(
            Measure(grader, "intent", own, intent=name, missing=sum(intents[case] == name for case in missing))
        )
    return found


def _wanted(seen: _Seen, grader: str) -> bool:
    """Whether the grader had, or may have had, something to say."""
    return grader in seen.applied or seen.answered < seen.attempts


def _of_criterion(name: str) -> _Values:
    return lambda side, case: side[case].criteria.get(name, [])


def _pairs(
    cases: Sequence[str],
    values: _Values,
    theirs: Mapping[str, _Seen],
    ours: Mapping[str, _Seen],
) -> tuple[Pair, ...]:
    found = []
    for case in cases:
        before, now = values(theirs, case), values(ours, case)
        if before and now:
            found.append(Pair(case, _mean(before), _mean(now)))
    return tuple(found)


def _seen(attempts: Iterable[Attempt], bar: Bar) -> dict[str, _Seen]:
    found: dict[str, _Seen] = defaultdict(_Seen)
    for attempt in attempts:
        seen = found[attempt.case_id]
        seen.attempts += 1
        seen.answered += attempt.trouble is None
        for score in attempt.scores:
            name = grader_of(score)
            seen.applied.add(name)
            value = comparable(score)
            if value is not None:
                seen.values[name].append(value)
            for criterion in score.criteria:
                if criterion.must_pass and criterion.value is not None:
                    seen.criteria[criterion.name].append(float(criterion.value >= bar(attempt.intent)))
    return dict(found)


def comparable(score: Score) -> float | None:
    """What a score says in a comparison: passed or not where it says so, else its value; None where it says neither."""
    if score.result_type in {"failure", "label"}:
        return None
    return float(score.passed) if score.passed is not None else score.value


def grader_of(score: Score) -> str:
    """The grader's name, without its version."""
    return score.grader.partition("@")[0]


def _same_graders(baseline: Iterable[Attempt], candidate: Iterable[Attempt]) -> None:
    versions: dict[str, dict[Side, set[str]]] = defaultdict(lambda: {"baseline": set(), "candidate": set()})
    sides: tuple[tuple[Side, Iterable[Attempt]], ...] = (("baseline", baseline), ("candidate", candidate))
    for side, attempts in sides:
        for attempt in attempts:
            for score in attempt.scores:
                versions[grader_of(score)][side].add(score.grader)
    for name, by_side in versions.items():
        if all(by_side.values()) and by_side["baseline"] != by_side["candidate"]:
            told = " and ".join(", ".join(sorted(found)) for found in by_side.values())
            raise ConfigurationError(f"{name} graded the two sides in different versions ({told}): grade both anew")


def _mean(values: Sequence[float]) -> float:
    return math.fsum(values) / len(values)
