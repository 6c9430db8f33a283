"""Features as columns of numbers: counts standardised, words weighed by how rare they are (TF-IDF)."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence

from watchkeeper.evals.grading.statistical.features import STRUCTURE, Features
from watchkeeper.schemas.model import Model

FIRST_WORD = len(STRUCTURE)
"""Columns before it are counts; bucket b of the words is column `FIRST_WORD + b`."""

MIN_SESSIONS = 2
"""In which a bucket must have been hit: what stands in one session alone tells nothing of others."""


class Encoding(Model):
    """What was learned of the training sessions without their labels.

    Attributes:
        means: of log(1 + count), by name.
        scales: their standard deviation; 1 where it is nought.
        rarity: of each bucket, its inverse document frequency.
    """

    means: dict[str, float]
    scales: dict[str, float]
    rarity: dict[int, float]

    def row(self, features: Features) -> dict[int, float]:
        """The columns of a session that are not nought.

        Raises:
            KeyError: the encoding knows nothing of a count: it was made of other features.
        """
        columns = {}
        for at, name in enumerate(STRUCTURE):
            columns[at] = (math.log1p(features.structure[name]) - self.means[name]) / self.scales[name]
        weights = {
            bucket: (1 + math.log(count)) * self.rarity[bucket]
            for bucket, count in features.words.items()
            if bucket in self.rarity
        }
        length = math.sqrt(math.fsum(weight * weight for weight in weights.values()))
        columns |= {FIRST_WORD + bucket: weight / length for bucket, weight in weights.items()}
        return columns


def encoding_of(sessions: Sequence[Features]) -> Encoding:
    """Learns the encoding of some sessions, at least one."""
    count = len(sessions)
    means, scales = {}, {}
    for name in STRUCTURE:
        values = [math.log1p(one.structure[name]) for one in sessions]
        means[name] = math.fsum(values) / count
        spread = math.sqrt(math.fsum((value - means[name]) ** 2 for value in values) / count)
        scales[name] = spread if spread > 1e-9 else 1.0
    seen = Counter(bucket for one in sessions for bucket in one.words)
    rarity = {
        bucket: math.log((1 + count) / (1 + hits)) + 1 for bucket, hits in sorted(seen.items()) if hits >= MIN_SESSIONS
    }
    return Encoding(means=means, scales=scales, rarity=rarity)
