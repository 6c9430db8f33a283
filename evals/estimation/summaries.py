"""Scores of a period as means with honest intervals, by what tells sessions apart, corrected where people labelled."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Final, Literal, TypeAlias, get_args

from watchkeeper.evals.estimation.estimate import Estimate
from watchkeeper.evals.estimation.means import plain_mean
from watchkeeper.evals.estimation.prediction_powered import MINIMUM_LABELS, corrected_mean
from watchkeeper.evals.labelling.records import Labelled
from watchkeeper.schemas.labels import DrawRow
from watchkeeper.schemas.scores import Score

Trait: TypeAlias = Literal["intent", "version", "model", "prompt", "week", "origin", "tenant", "agent"]
TRAITS: Final[tuple[Trait, ...]] = get_args(Trait)
"""By what sessions are told apart; `week` is the Monday of the week, in UTC, in which a session ended."""

Measure: TypeAlias = Literal["passed", "value"]
"""`passed`: the share of sessions that are good enough. `value`: the mean of values from 0 to 1."""


@dataclass(frozen=True, slots=True)
class Cell:
    """One mean.

    Attributes:
        grader: `name@version`.
        traits: which sessions; empty for all of the grader's.
        estimate: None where nothing could be said of any session.
        failures: sessions of which the grader could not say anything: in no mean.
        labelled: scored sessions that people labelled.
        unweighted: of these, how many are left out of the correction, since nobody knows how they were drawn.
        outside: scored sessions that could not be drawn to be labelled: that the judge errs on them as it does on the
            others is an assumption.
    """

    grader: str
    traits: Mapping[str, str]
    measure: Measure
    estimate: Estimate | None
    failures: int
    labelled: int
    unweighted: int
    outside: int

    @property
    def advice(self) -> str:
        """What would make the mean more honest; empty where nothing is missing."""
        found = self.estimate
        if found is None:
            return "every session is a failure: see their reasons"
        usable = self.labelled - self.unweighted
        if not found.corrected and usable < MINIMUM_LABELS:
            return f"not corrected: {MINIMUM_LABELS - usable} more labels (watchkeeper evals label)"
        if self.outside:
            return f"{self.outside} of {found.scored} scored sessions were in no draw to be labelled"
        return ""


@dataclass(frozen=True, slots=True)
class Labels:
    """What people said, and how it was drawn.

    Attributes:
        sessions: by tenant and session.
        draws: a row of each draw: they say which sessions could be drawn.
    """

    sessions: Mapping[tuple[str, str], Labelled]
    draws: Sequence[DrawRow] = ()

    @classmethod
    def of(cls, labelled: Iterable[Labelled], draws: Sequence[DrawRow] = ()) -> Labels:
        """From what `labelling.records` reads."""
        heads = tuple({row.draw_id: row for row in draws}.values())
        return cls({(one.tenant_id, one.session_id): one for one in labelled}, heads)

    def could_draw(self, score: Score) -> bool:
        """Whether a scored session was among those from which somebody drew."""
        return any(
            row.tenant_id == score.tenant_id
            and row.agent_id in {"", score.agent_id}
            and row.since <= score.occurred_at < row.until
            for row in self.draws
        )


def summarise(
    scores: Iterable[Score],
    labels: Labels,
    *,
    by: Sequence[Trait] = (),
    measure: Measure = "passed",
    level: float = 0.95,
) -> list[Cell]:
    """A mean for each grader, and for each combination of traits below it.

    Args:
        scores: live scores, of each session and grader one.
        labels: what people said of the same sessions.
        by: what sessions are told apart by.
        measure: what is averaged. Scores that do not say it are left out.
        level: of the intervals.
    """
    groups: dict[tuple[str, tuple[str, ...]], list[Score]] = {}
    for score in scores:
        if score.result_type == "failure" or _measured(score, measure) is not None:
            groups.setdefault((score.grader, ()), []).append(score)
            if by:
                key = tuple(trait_of(score, trait) for trait in by)
                groups.setdefault((score.grader, key), []).append(score)
    return [
        _cell(grader, dict(zip(by, key, strict=False)), members, labels, measure=measure, level=level)
        for (grader, key), members in sorted(groups.items())
    ]


def trait_of(score: Score, trait: Trait) -> str:
    """What a session is by one trait."""
    if trait == "week":
        return (score.occurred_at - timedelta(days=score.occurred_at.weekday())).strftime("%Y-%m-%d")
    names = {"version": "agent_version", "prompt": "prompt_version", "tenant": "tenant_id", "agent": "agent_id"}
    return str(getattr(score, names.get(trait, trait)))


def _cell(
    grader: str, traits: Mapping[str, str], members: Sequence[Score], labels: Labels, *, measure: Measure, level: float
) -> Cell:
    scored = [score for score in members if score.result_type != "failure"]
    said = [labels.sessions.get((score.tenant_id, score.session_id)) for score in scored]
    told = [math.nan if one is None else _label(one, measure) for one in said]
    known = [one is not None and one.inclusion is not None for one in said]
    labelled = sum(not math.isnan(one) for one in told)
    usable = [value if is_known else math.nan for value, is_known in zip(told, known, strict=True)]
    count = sum(not math.isnan(one) for one in usable)
    return Cell(
        grader=grader,
        traits=traits,
        measure=measure,
        estimate=_estimate(scored, said, usable, measure, level) if scored else None,
        failures=len(members) - len(scored),
        labelled=labelled,
        unweighted=labelled - count,
        outside=sum(not labels.could_draw(score) for score in scored) if count and labels.draws else 0,
    )


def _estimate(
    scored: Sequence[Score], said: Sequence[Labelled | None], labels: Sequence[float], measure: Measure, level: float
) -> Estimate:
    values = [_measured(score, measure) or 0.0 for score in scored]
    drawn = [score.inclusion for score in scored]
    if sum(not math.isnan(one) for one in labels) < MINIMUM_LABELS:
        return plain_mean(values, drawn, level=level)
    label_drawn = [1.0 if one is None or one.inclusion is None else one.inclusion for one in said]
    return corrected_mean(values, labels, inclusion=drawn, label_inclusion=label_drawn, level=level)


def _measured(score: Score, measure: Measure) -> float | None:
    if measure == "value":
        return score.value
    return None if score.passed is None else float(score.passed)


def _label(one: Labelled, measure: Measure) -> float:
    found = one.passed if measure == "passed" else one.value
    return math.nan if found is None else found
