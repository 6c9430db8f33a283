"""Different requests: what one stratum was asked, in as many clusters as it has places."""

from __future__ import annotations

import re
import warnings
from collections.abc import Sequence
from typing import Final

MAX_FEATURES: Final = 5000
_WORD: Final = re.compile(r"\w\w")


def clusters_of(texts: Sequence[str], number: int, *, seed: int) -> list[list[int]]:
    """Splits texts into so many clusters by the words in them (TF-IDF, k-means), each a list of places in `texts`.

    Where texts do not differ in enough words, the largest clusters are split by order, so that there are as many as
    are asked for.

    Args:
        texts: at least `number`.
        number: how many clusters; at least 1.
        seed: the same texts, number and seed give the same clusters.
    """
    if number >= len(texts):
        return [[place] for place in range(len(texts))]
    clusters = [list(range(len(texts)))] if number == 1 or not _differ(texts) else _by_words(texts, number, seed)
    while len(clusters) < number:
        largest = max(range(len(clusters)), key=lambda index: (len(clusters[index]), -index))
        whole = clusters.pop(largest)
        half = len(whole) // 2
        clusters[largest:largest] = [whole[:half], whole[half:]]
    return clusters


def _differ(texts: Sequence[str]) -> bool:
    return len(set(texts)) > 1 and any(_WORD.search(text) for text in texts)


def _by_words(texts: Sequence[str], number: int, seed: int) -> list[list[int]]:
    # Here: whoever reads a suite does not load scikit-learn.
    from sklearn.cluster import MiniBatchKMeans  # noqa: PLC0415
    from sklearn.exceptions import ConvergenceWarning  # noqa: PLC0415
    from sklearn.feature_extraction.text import TfidfVectorizer  # noqa: PLC0415
    from threadpoolctl import threadpool_limits  # type: ignore[import-untyped]  # noqa: PLC0415 - untyped; with sklearn

    words = TfidfVectorizer(sublinear_tf=True, max_features=MAX_FEATURES)
    matrix = words.fit_transform(texts)
    means = MiniBatchKMeans(n_clusters=number, random_state=seed % 2**32, n_init=3, batch_size=1024)
    # One thread: for so few texts, several only wait for each other, for seconds on a busy machine.
    with warnings.catch_warnings(), threadpool_limits(1):
        # Fewer distinct texts than clusters: the caller splits what came out too large.
        warnings.simplefilter("ignore", ConvergenceWarning)
        labels = means.fit_predict(matrix)
    found: dict[int, list[int]] = {}
    for place, label in enumerate(labels):
        found.setdefault(int(label), []).append(place)
    return sorted(found.values())
