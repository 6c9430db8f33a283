"""Which requests are alike: near duplicates by shared word sequences, found by MinHash and confirmed by counting.

Numbers count as equal: "Where is order 4711?" and "Where is order 4712?" ask the same of an agent.
"""

from __future__ import annotations

import re
import zlib
from collections.abc import Sequence
from typing import Any, Final

import numpy as np
import numpy.typing as npt

ALIKE: Final = 0.8
"""Requests that share so much of their word sequences (Jaccard) are near duplicates."""

SHINGLE: Final = 3
"""Words in a sequence."""

_BANDS: Final = 16
_ROWS: Final = 4
"""Of two requests that share `ALIKE`, one in 5,000 is overlooked: 1 - (1 - 0.8^4)^16."""

_LONGEST: Final = 20_000
"""Words that are compared."""

_WORD: Final = re.compile(r"\w+")
_DIGITS: Final = re.compile(r"\d+")

Signature = npt.NDArray[np.uint64]


class Likeness:
    """Requests so far, each the first of its kind.

    Args:
        alike: from which share of common word sequences on two are alike.
    """

    def __init__(self, alike: float = ALIKE) -> None:
        self._alike = alike
        chance = np.random.default_rng(0)
        self._factors = chance.integers(0, 2**63, size=(_BANDS * _ROWS, 1), dtype=np.uint64) | np.uint64(1)
        self._shifts = chance.integers(0, 2**63, size=(_BANDS * _ROWS, 1), dtype=np.uint64)
        self._sets: list[frozenset[int]] = []
        self._places: dict[tuple[int, bytes], list[int]] = {}

    def find(self, text: str) -> int | None:
        """Which earlier request a text is most like, by its number; None where it is like none."""
        shingles = shingles_of(text)
        best: tuple[float, int] | None = None
        for number in sorted({one for key in self._keys(shingles) for one in self._places.get(key, ())}):
            shared = jaccard(shingles, self._sets[number])
            if shared >= self._alike and (best is None or shared > best[0]):
                best = shared, number
        return None if best is None else best[1]

    def add(self, text: str) -> int:
        """Takes a request in; answers its number, from 0."""
        shingles = shingles_of(text)
        number = len(self._sets)
        self._sets.append(shingles)
        for key in self._keys(shingles):
            self._places.setdefault(key, []).append(number)
        return number

    def _keys(self, shingles: frozenset[int]) -> list[tuple[int, bytes]]:
        if not shingles:
            return [(0, b"")]
        hashes: Signature = np.fromiter(shingles, dtype=np.uint64, count=len(shingles))
        # A multiplication alone leaves the low bits of a checksum too regular.
        hashes = (hashes ^ (hashes << np.uint64(32))) * np.uint64(0x9E3779B97F4A7C15)
        signature: Signature = (self._factors * hashes + self._shifts).min(axis=1)
        return [(band, signature[band * _ROWS : (band + 1) * _ROWS].tobytes()) for band in range(_BANDS)]


def shingles_of(text: str) -> frozenset[int]:
    """The word sequences of a text, by their checksums; of one that is shorter than a sequence, the text."""
    words: list[Any] = _WORD.findall(_DIGITS.sub("0", text.casefold()))[:_LONGEST]
    if not words:
        return frozenset()
    starts = range(max(1, len(words) - SHINGLE + 1))
    return frozenset(zlib.crc32(" ".join(words[start : start + SHINGLE]).encode()) for start in starts)


def jaccard(one: frozenset[int], other: frozenset[int]) -> float:
    """The share of what either has that both have; 1 of two empty ones."""
    either = len(one | other)
    return len(one & other) / either if either else 1.0


def group_alike(texts: Sequence[str], alike: float = ALIKE) -> list[int]:
    """For each text the number of its group, from 0: the first text of each kind begins one."""
    seen = Likeness(alike)
    groups = []
    for text in texts:
        found = seen.find(text)
        groups.append(seen.add(text) if found is None else found)
    return groups
