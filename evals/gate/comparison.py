"""A comparison as reports tell it: the decision, the cases that got worse, the troubles, what answers cost."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from watchkeeper.evals.gate.attempts import Attempt, Side
from watchkeeper.evals.gate.decision import Decision, Judged, Settings, decide
from watchkeeper.evals.gate.measures import Bar, comparable, grader_of, measures_of
from watchkeeper.evals.gate.resources import Change, changes_of


@dataclass(frozen=True, slots=True)
class Named:
    """What was compared, and under which names."""

    run_id: str
    suite: str
    candidate: str
    baseline: str


@dataclass(frozen=True, slots=True)
class Regression:
    """A case on which the candidate is worse.

    Attributes:
        grader: by whose grades.
        baseline: mean over the repeats.
        candidate: the same; None where the candidate gave no answer.
        reason: what the grader said of the candidate's worst answer, or why there is none.
        session_id: that answer's.
        before: the baseline's session.
    """

    case_id: str
    intent: str
    grader: str
    baseline: float
    candidate: float | None
    reason: str
    session_id: str
    before: str

    @property
    def fall(self) -> float:
        """How far; without an answer, all the way."""
        return self.baseline - (self.candidate or 0.0)


@dataclass(frozen=True, slots=True)
class Comparison:
    """See the module.

    Attributes:
        regressions: the furthest fall first.
        improved: cases that got better by some grader and worse by none.
        troubles: of each side, how many attempts failed in which way.
        attempts: of each side.
    """

    named: Named
    decision: Decision
    regressions: tuple[Regression, ...]
    improved: int
    changes: tuple[Change, ...]
    troubles: dict[Side, dict[str, int]]
    attempts: dict[Side, int]
    retried: dict[Side, int]
    grading_cost_usd: float


def compare(
    named: Named, baseline: Sequence[Attempt], candidate: Sequence[Attempt], settings: Settings, *, bar: Bar
) -> Comparison:
    """Compares two sides' attempts at the same suite.

    Raises:
        ConfigurationError: they cannot be compared; see `measures_of` and `decide`.
    """
    decision = decide(measures_of(baseline, candidate, bar=bar), settings)
    sides: tuple[tuple[Side, Sequence[Attempt]], ...] = (("baseline", baseline), ("candidate", candidate))
    regressions = _regressions(decision, baseline, candidate)
    return Comparison(
        named=named,
        decision=decision,
        regressions=tuple(regressions),
        improved=_improved(decision, {one.case_id for one in regressions}),
        changes=tuple(changes_of(baseline, candidate, seed=settings.seed)),
        troubles={side: dict(Counter(one.trouble.kind for one in found if one.trouble)) for side, found in sides},
        attempts={side: len(found) for side, found in sides},
        retried={side: sum(one.tries > 1 for one in found) for side, found in sides},
        grading_cost_usd=sum(score.cost_usd or 0.0 for _, found in sides for one in found for score in one.scores),
    )


def _regressions(decision: Decision, baseline: Sequence[Attempt], candidate: Sequence[Attempt]) -> list[Regression]:
    before, now = _worst_first(baseline), _worst_first(candidate)
    found = []
    for judged in decision.judged:
        if judged.measure.scope not in {"whole", "answers"}:
            continue
        answers = judged.measure.scope == "answers"
        for pair in judged.measure.pairs:
            if pair.difference >= 0:
                continue
            worst = _worst(now[pair.case_id], judged)
            said = next((score for score in worst.scores if grader_of(score) == judged.measure.name), None)
            reason = worst.trouble.text if worst.trouble else said.reason if said else ""
            found.append(
                Regression(
                    case_id=pair.case_id,
                    intent=worst.intent,
                    grader=judged.measure.name,
                    baseline=pair.baseline,
                    candidate=None if answers and pair.candidate == 0 else pair.candidate,
                    reason=reason,
                    session_id=_session(worst),
                    before=_session(before[pair.case_id][0]),
                )
            )
    return sorted(found, key=lambda one: (-one.fall, one.case_id, one.grader))


def _improved(decision: Decision, worse: set[str]) -> int:
    better = {
        pair.case_id
        for judged in decision.judged
        if judged.measure.scope == "whole"
        for pair in judged.measure.pairs
        if pair.difference > 0
    }
    return len(better - worse)


def _worst_first(attempts: Sequence[Attempt]) -> dict[str, list[Attempt]]:
    found: dict[str, list[Attempt]] = {}
    for attempt in attempts:
        found.setdefault(attempt.case_id, []).append(attempt)
    return found


def _worst(attempts: Sequence[Attempt], judged: Judged) -> Attempt:
    def rank(attempt: Attempt) -> tuple[bool, float]:
        values = [comparable(score) for score in attempt.scores if grader_of(score) == judged.measure.name]
        return attempt.trouble is None, min((value for value in values if value is not None), default=2.0)

    return min(attempts, key=rank)


def _session(attempt: Attempt) -> str:
    return attempt.interaction.interaction_id if attempt.interaction else ""


def summary(found: Comparison) -> dict[str, Any]:
    """The comparison as one JSON document."""
    return {
        "run_id": found.named.run_id,
        "suite": found.named.suite,
        "candidate": found.named.candidate,
        "baseline": found.named.baseline,
        "outcome": found.decision.outcome,
        "reasons": list(found.decision.reasons),
        "warnings": list(found.decision.warnings),
        "measures": [_measure(one) for one in found.decision.judged],
        "regressions": [_regression(one) for one in found.regressions],
        "improved_cases": found.improved,
        "changes": [_change(one) for one in found.changes],
        "attempts": found.attempts,
        "retried": found.retried,
        "troubles": found.troubles,
        "grading_cost_usd": found.grading_cost_usd,
        "settings": _settings(found.decision.settings),
    }


def _regression(one: Regression) -> dict[str, Any]:
    return {
        "case_id": one.case_id,
        "intent": one.intent,
        "grader": one.grader,
        "baseline": one.baseline,
        "candidate": one.candidate,
        "reason": one.reason,
        "session_id": one.session_id or None,
        "baseline_session_id": one.before or None,
    }


def _change(one: Change) -> dict[str, Any]:
    return {
        "name": one.name,
        "unit": one.unit,
        "cases": one.cases,
        "baseline": one.baseline,
        "candidate": one.candidate,
        "ratio": one.ratio,
        "lower": one.low,
        "upper": one.high,
    }


def _settings(settings: Settings) -> dict[str, Any]:
    return {
        "margin": settings.margin,
        "level": settings.level,
        "margin_level": settings.margin_level,
        "whole_share": settings.whole_share,
        "power": settings.power,
        "max_failures": settings.max_failures,
        "max_broken": settings.max_broken,
        "seed": settings.seed,
    }


def _measure(one: Judged) -> dict[str, Any]:
    effect = one.effect
    return {
        "name": one.measure.name,
        "scope": one.measure.scope,
        "intent": one.measure.intent or None,
        "cases": effect.cases,
        "missing": one.measure.missing,
        "baseline": effect.baseline,
        "candidate": effect.candidate,
        "difference": effect.difference,
        "lower": effect.lower,
        "upper": effect.upper,
        "excluded_fall": -effect.floor,
        "worse": effect.worse,
        "better": effect.better,
        "p": one.p,
        "fell": one.fell,
        "visible_fall": one.visible,
        "method": effect.method,
    }
