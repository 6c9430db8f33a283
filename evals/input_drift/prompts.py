"""A classifier two-sample test on prompts, and the terms that moved.

A classifier learns to tell the prompts of a window from those of the reference (Lopez-Paz and Oquab, "Revisiting
classifier two-sample tests", ICLR 2017). Where nothing has changed it cannot do so on prompts that it has not learned
from: the ranks of its scores there are chance, and the Mann-Whitney test says how far they are from it. All prompts are
dealt to two halves by their text; each half is scored by the classifier that learned from the other, and twice the
lesser of both p-values is valid however the halves depend on each other.

A window alarms where p is at most 1 / N: on average at most one false alarm in N windows, whatever the windows share,
the reference included. Nothing is kept between windows. Prompts are one a session: those of one session depend on each
other, and would count as evidence that they are not.
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from scipy.stats import mannwhitneyu
from sklearn.feature_extraction.text import CountVectorizer, TfidfVectorizer
from sklearn.linear_model import LogisticRegression

from watchkeeper.evals.input_drift.shares import difference_of_shares
from watchkeeper.schemas.errors import WatchkeeperError

LEAST_PROMPTS: Final = 50
"""In the reference, and in the window."""
MOST_TERMS: Final = 10
_FEATURES: Final = 20_000
_WATCHED_TERMS: Final = 2_000
_PATTERN: Final = r"(?u)\b\w[\w'-]+\b"


class InputDriftError(WatchkeeperError):
    """Prompts cannot be compared; the message says what to give instead."""


@dataclass(frozen=True, slots=True)
class MovedTerm:
    """A term that more prompts, or fewer, hold than before.

    Attributes:
        before: the share of the reference's prompts that hold it; `after` of the window's.
        low: where `after - before` lies, to `high`: 95 % that this holds for all terms that were looked at.
    """

    term: str
    before: float
    after: float
    low: float
    high: float


@dataclass(frozen=True, slots=True)
class PromptDrift:
    """What the comparison found.

    Attributes:
        p: the chance to find the prompts as unlike as this, or more, while nothing has changed; an upper bound.
        auc: how often a prompt of the window scores above one of the reference, by a classifier that learned from
            neither: 0.5 is chance, 1 is always. How large the change is.
        reference: prompts there were; `window` of the window.
        promise: N, in windows.
        terms: those that moved, the farthest first.
    """

    p: float
    auc: float
    reference: int
    window: int
    promise: int
    terms: tuple[MovedTerm, ...]

    @property
    def is_alarm(self) -> bool:
        """Whether it is told."""
        return self.p <= 1 / self.promise


def compare_prompts(reference: Sequence[str], window: Sequence[str], *, promise: int = 1000) -> PromptDrift:
    """Compares a window's prompts, one a session, with those of a reference window.

    Args:
        reference: the prompts of a window in which all was well.
        window: those that are asked about.
        promise: N: on average at most one false alarm in N windows.

    Raises:
        InputDriftError: there are too few prompts, or they hold no words.
    """
    if min(len(reference), len(window)) < LEAST_PROMPTS:
        raise InputDriftError(
            f"{len(reference)} and {len(window)} prompts are too few to compare; give {LEAST_PROMPTS} or more of each,"
            " one a session (a longer window)"
        )
    texts = [*reference, *window]
    is_new = np.array([False] * len(reference) + [True] * len(window))
    half = np.array([_half_of(text) for text in texts])
    found = [_scored(texts, is_new, half == side) for side in (False, True)]
    tested = [one for one in found if one is not None]
    if not tested:
        raise InputDriftError("the prompts differ too little from each other to be dealt to two halves; give more")
    weight = sum(pairs for _, _, pairs in tested)
    return PromptDrift(
        p=min(1.0, len(tested) * min(p for p, _, _ in tested)),
        auc=sum(auc * pairs for _, auc, pairs in tested) / weight,
        reference=len(reference),
        window=len(window),
        promise=promise,
        terms=moved_terms(reference, window),
    )


def moved_terms(reference: Sequence[str], window: Sequence[str], most: int = MOST_TERMS) -> tuple[MovedTerm, ...]:
    """Words and pairs of words whose share of prompts has changed by more than chance explains."""
    counter = CountVectorizer(
        binary=True, ngram_range=(1, 2), max_features=_WATCHED_TERMS, token_pattern=_PATTERN, min_df=5
    )
    counts = _fitted(counter, [*reference, *window])
    if counts is None:
        return ()
    before = np.asarray(counts[: len(reference)].sum(axis=0)).ravel()
    after = np.asarray(counts[len(reference) :].sum(axis=0)).ravel()
    names = counter.get_feature_names_out()
    found = []
    for term, old, new in zip(names, before.tolist(), after.tolist(), strict=True):
        low, high = difference_of_shares(old, len(reference), new, len(window), alpha=0.05 / len(names))
        if low > 0 or high < 0:
            found.append(MovedTerm(str(term), old / len(reference), new / len(window), low, high))
    found.sort(key=lambda one: (-abs(one.after - one.before), -len(one.term), one.term))
    return tuple(_without_parts(found)[:most])


def _without_parts(terms: Sequence[MovedTerm]) -> list[MovedTerm]:
    """Without terms that a term before them holds, or that hold it, and that moved the same way: it is one story."""
    kept: list[MovedTerm] = []
    for one in terms:
        words = set(one.term.split())
        same = (other for other in kept if (other.low > 0) == (one.low > 0))
        if not any(words & set(other.term.split()) for other in same):
            kept.append(one)
    return kept


def _half_of(text: str) -> bool:
    """By the text, so that equal prompts are on one side."""
    return hashlib.blake2b(text.encode("utf-8", "surrogatepass"), digest_size=1).digest()[0] % 2 == 1


def _scored(texts: Sequence[str], is_new: Any, tested: Any) -> tuple[float, float, int] | None:
    """p-value, AUC and pairs of the half that is tested; None where a half lacks old or new prompts."""
    sides = [int((mask & label).sum()) for mask in (tested, ~tested) for label in (is_new, ~is_new)]
    if min(sides) < LEAST_PROMPTS // 5:
        return None
    learned = [text for text, out in zip(texts, tested.tolist(), strict=True) if not out]
    unseen = [text for text, out in zip(texts, tested.tolist(), strict=True) if out]
    vectorizer = TfidfVectorizer(
        sublinear_tf=True, ngram_range=(1, 2), max_features=_FEATURES, token_pattern=_PATTERN, min_df=2
    )
    features = _fitted(vectorizer, learned)
    if features is None:
        raise InputDriftError("the prompts hold no words that recur; give prompts as people wrote them, unmasked words")
    model = LogisticRegression(class_weight="balanced", solver="liblinear", random_state=0)
    model.fit(features, is_new[~tested])
    scores = model.decision_function(vectorizer.transform(unseen))
    new, old = scores[is_new[tested]], scores[~is_new[tested]]
    told = mannwhitneyu(new, old, alternative="greater", method="asymptotic")
    pairs = len(new) * len(old)
    p = float(told.pvalue)
    return (1.0 if math.isnan(p) else p), float(told.statistic) / pairs, pairs


def _fitted(vectorizer: Any, texts: Sequence[str]) -> Any:
    try:
        return vectorizer.fit_transform(texts)
    except ValueError:
        # scikit-learn's only word for "no term is left".
        return None
