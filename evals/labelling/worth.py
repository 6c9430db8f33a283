"""What makes a session worth a person's time: graders that are unsure or disagree, and what detectors found."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Final

from watchkeeper.evals.labelling.drawing import Worth
from watchkeeper.schemas.labels import LabelStratum
from watchkeeper.schemas.scores import Score

_NEAR: Final = 0.15
"""A value as near as this to where passing begins says little about on which side it is."""

_BARS: Final = (0.5, 0.7)
_GRAVE: Final = {"critical": 1.0, "high": 0.7}


def worth_of(session_id: str, scores: Iterable[Score], worst_severity: str = "") -> Worth:
    """How much a session is worth labelling.

    Args:
        session_id: the session.
        scores: what graders said of it, the latest of each.
        worst_severity: of the detectors' findings in it; empty where there are none.
    """
    said = [score for score in scores if score.result_type != "failure"]
    reasons: list[tuple[float, LabelStratum, str]] = []
    apart = _apart(said)
    if apart > 0:
        reasons.append((apart, "disagreement", "graders disagree: " + _told(said)))
    unsure = _unsure(said)
    if unsure is not None:
        reasons.append((0.7, "uncertain", f"{_name(unsure)} is of two minds or near its bar: {_value(unsure)}"))
    if worst_severity in _GRAVE:
        reasons.append((_GRAVE[worst_severity], "risk", f"a finding of severity {worst_severity}"))
    if not reasons:
        return Worth(session_id, why="drawn evenly")
    first = max(reasons)
    return Worth(session_id, sum(extra for extra, _, _ in reasons), first[1], "; ".join(why for _, _, why in reasons))


def _apart(said: Sequence[Score]) -> float:
    """1 where one passes and another fails it; else how far values lie apart, where that is far."""
    verdicts = {score.passed for score in said if score.passed is not None}
    if len(verdicts) == 2:
        return 1.0
    values = [score.value for score in said if score.value is not None]
    gap = max(values) - min(values) if len(values) > 1 else 0.0
    return gap if gap >= 0.5 else 0.0


def _unsure(said: Sequence[Score]) -> Score | None:
    for score in said:
        split = any("repeats: " in one.note for one in score.criteria)
        near = score.result_type == "number" and score.value is not None
        if split or (near and any(abs((score.value or 0.0) - bar) < _NEAR for bar in _BARS)):
            return score
    return None


def _told(said: Sequence[Score]) -> str:
    return ", ".join(f"{_name(score)} {_value(score)}" for score in sorted(said, key=_name) if score.value is not None)


def _name(score: Score) -> str:
    return score.grader.partition("@")[0]


def _value(score: Score) -> str:
    verdict = {True: " passed", False: " failed", None: ""}[score.passed]
    return f"{score.value:.2f}{verdict}" if score.value is not None else verdict.strip()
