"""A judge judged: agreement by criterion and intent, biases, and how many labels a sharper answer needs."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from watchkeeper.evals.estimation.estimate import Estimate
from watchkeeper.evals.estimation.prediction_powered import MINIMUM_LABELS, corrected_mean
from watchkeeper.evals.estimation.samples import normal_quantile
from watchkeeper.evals.judging.agreement import DEGREES, VERDICTS, Agreement, agreement, labels_for
from watchkeeper.evals.judging.bias import Bias, Seen, leniency, position, self_preference, verbosity
from watchkeeper.evals.judging.pairwise import Comparison
from watchkeeper.evals.judging.settings import family_of
from watchkeeper.evals.labelling.records import Labelled
from watchkeeper.schemas.errors import ConfigurationError
from watchkeeper.schemas.scores import Score

WHOLE = "passed"
"""What the verdict on the whole session is called, beside the criteria."""


@dataclass(frozen=True, slots=True)
class Agreed:
    """Agreement on one thing.

    Attributes:
        about: a criterion, or `passed`.
        intent: empty for all.
    """

    about: str
    intent: str
    agreement: Agreement


@dataclass(frozen=True, slots=True)
class Report:
    """What a judge is worth.

    Attributes:
        grader: `name@version`, or several.
        labels: sessions that both spoke of.
        failures: labelled sessions of which the judge could not say anything.
        unjudged: labelled sessions without a score of it.
        labels_for_kappa: labels for an interval of kappa of the wanted half width; None without kappa.
        labels_for_mean: labels for a corrected mean of that half width; None where too few are there.
        corrected: the mean by judge and labels together; None where labels are too few, or not drawn.
    """

    grader: str
    labels: int
    failures: int
    unjudged: int
    agreed: tuple[Agreed, ...]
    biases: tuple[Bias, ...]
    half_width: float
    labels_for_kappa: int | None
    labels_for_mean: int | None
    corrected: Estimate | None

    @property
    def whole(self) -> Agreement | None:
        """The agreement on the whole session."""
        return next((one.agreement for one in self.agreed if one.about == WHOLE and not one.intent), None)

    def document(self) -> dict[str, Any]:
        """As JSON has it."""
        found = asdict(self)
        found["agreed"] = [
            {"about": one.about, "intent": one.intent, **asdict(one.agreement), "words": one.agreement.words}
            for one in self.agreed
        ]
        found["biases"] = [{**asdict(one), "shown": one.is_shown} for one in self.biases]
        return found


def judge_report(
    scores: Sequence[Score],
    labelled: Iterable[Labelled],
    *,
    lengths: Mapping[tuple[str, str], int] | None = None,
    family: str = "unknown",
    compared: Sequence[Comparison] = (),
    half_width: float = 0.05,
) -> Report:
    """Judges a judge.

    Args:
        scores: one grader's, of each session one.
        labelled: what people say.
        lengths: characters of the agent's answers, by tenant and session.
        family: who made the judge's model.
        compared: pairs that it compared each way round.
        half_width: of the intervals that are wished for.

    Raises:
        ConfigurationError: the judge and people have no session in common.
    """
    by_session = {(score.tenant_id, score.session_id): score for score in scores}
    pairs, failures, unjudged = [], 0, 0
    for one in labelled:
        score = by_session.get((one.tenant_id, one.session_id))
        unjudged += score is None
        failures += score is not None and score.result_type == "failure"
        if score is not None and score.result_type != "failure":
            pairs.append((score, one))
    if not pairs:
        raise ConfigurationError(
            f"the judge has scored none of the {unjudged + failures} labelled sessions: give a judge's file to have "
            "them scored, or label sessions that it scored (watchkeeper evals label)"
        )
    seen = _seen(pairs, lengths or {})
    agreed = tuple(_agreed(pairs))
    whole = next((one.agreement for one in agreed if one.about == WHOLE and not one.intent), None)
    return Report(
        grader=", ".join(sorted({score.grader for score, _ in pairs})),
        labels=len(pairs),
        failures=failures,
        unjudged=unjudged,
        agreed=agreed,
        biases=(leniency(seen), verbosity(seen), self_preference(seen, family), position(compared)),
        half_width=half_width,
        labels_for_kappa=labels_for(whole, half_width) if whole else None,
        labels_for_mean=_labels_for_mean(seen, half_width),
        corrected=_corrected(scores, pairs),
    )


def _verdicts(score: Score, one: Labelled) -> tuple[float, float] | None:
    """What both say of the whole, on one scale."""
    if score.passed is not None and one.passed is not None:
        return float(score.passed), one.passed
    if score.passed is None and score.value is not None and one.value is not None:
        return score.value, one.value
    return None


def _seen(pairs: Sequence[tuple[Score, Labelled]], lengths: Mapping[tuple[str, str], int]) -> list[Seen]:
    found = []
    for score, one in pairs:
        both = _verdicts(score, one)
        if both is not None:
            weight = 1 / (score.inclusion * (one.inclusion or 1.0))
            length = lengths.get((score.tenant_id, score.session_id))
            found.append(Seen(*both, weight, length, family_of(score.model) if score.model else "unknown"))
    return found


def _agreed(pairs: Sequence[tuple[Score, Labelled]]) -> Iterable[Agreed]:
    intents = sorted({score.intent for score, _ in pairs if score.intent})
    for intent in ("", *(intents if len(intents) > 1 else [])):
        some = [(score, one) for score, one in pairs if not intent or score.intent == intent]
        verdicts = [both for score, one in some if (both := _verdicts(score, one)) is not None]
        if verdicts:
            yield Agreed(WHOLE, intent, _compared(verdicts, VERDICTS))
        for name in dict.fromkeys(own.name for score, _ in some for own in score.criteria):
            said = [
                (own.value, one.criteria[name])
                for score, one in some
                for own in score.criteria
                if own.name == name and own.value is not None and name in one.criteria
            ]
            if said:
                yield Agreed(name, intent, _compared(said, DEGREES))


def _compared(both: Sequence[tuple[float, float]], categories: Sequence[float]) -> Agreement:
    return agreement([judged for judged, _ in both], [labelled for _, labelled in both], categories)


def _labels_for_mean(seen: Sequence[Seen], half_width: float) -> int | None:
    """By the scatter of what the judge gets wrong, as if all sessions were scored."""
    if len(seen) < MINIMUM_LABELS:
        return None
    gaps = [one.judged - one.labelled for one in seen]
    mean = sum(gaps) / len(gaps)
    # One error each way beforehand: a judge that has not erred yet will.
    variance = (sum((gap - mean) ** 2 for gap in gaps) + 2) / (len(gaps) + 2)
    return math.ceil(variance * (normal_quantile(0.95) / half_width) ** 2)


def _corrected(scores: Sequence[Score], pairs: Sequence[tuple[Score, Labelled]]) -> Estimate | None:
    """The share of good sessions, by both together."""
    said = {(score.tenant_id, score.session_id): one for score, one in pairs if one.inclusion is not None}
    usable = [score for score in scores if score.passed is not None]
    found = [said.get((score.tenant_id, score.session_id)) for score in usable]
    labels = [math.nan if one is None or one.passed is None else one.passed for one in found]
    if sum(not math.isnan(one) for one in labels) < MINIMUM_LABELS:
        return None
    return corrected_mean(
        [float(bool(score.passed)) for score in usable],
        labels,
        inclusion=[score.inclusion for score in usable],
        label_inclusion=[1.0 if one is None or one.inclusion is None else one.inclusion for one in found],
    )
