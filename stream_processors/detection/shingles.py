"""Texts as overlapping runs of words, so that a copied stretch is recognised wherever it stands.

A *shingle* is a run of `RUN` words without regard to case, punctuation and white space, kept as 24 bits. A text of
fewer words has one shingle, of all of them. In scripts without spaces every character is a word.
"""

from __future__ import annotations

import re
import zlib
from collections.abc import Iterator
from typing import NamedTuple

RUN = 5
"""Words of a shingle: shorter runs are what everybody says ("thank you for your")."""

DIGITS = 6
"""Hexadecimal digits of a shingle in a state."""

MAX_TEXT = 200_000
"""Characters of a text that are looked at."""

_WORD = re.compile(
    r"[\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uac00-\ud7af]|[^\W_\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uac00-\ud7af]+"
)
_APART = bytes(code if chr(code).isalnum() and code < 128 else 32 for code in range(256))
"""What stands between the words of a text in ASCII becomes a space."""


class Shingle(NamedTuple):
    """A run of words: what it is, and where it stands."""

    value: int
    start: int
    end: int


def shingles(text: str) -> Iterator[Shingle]:
    """The shingles of a text, in order."""
    words = [(found.group().casefold(), found.start(), found.end()) for found in _WORD.finditer(text[:MAX_TEXT])]
    run = min(RUN, len(words))
    if run == 0:
        return
    for first in range(len(words) - run + 1):
        some = words[first : first + run]
        raw = " ".join(word for word, _, _ in some).encode()
        yield Shingle(zlib.crc32(raw) & 0xFFFFFF, some[0][1], some[-1][2])


def values_of(text: str) -> list[int]:
    """The values of a text's shingles, in order, without their places: most of who asks needs no more."""
    text = text[:MAX_TEXT]
    if not text.isascii():
        return [one.value for one in shingles(text)]
    words = text.lower().encode().translate(_APART).split()
    run = min(RUN, len(words))
    if run == 0:
        return []
    return [zlib.crc32(b" ".join(words[at : at + run])) & 0xFFFFFF for at in range(len(words) - run + 1)]


def count_words(text: str) -> int:
    """How many words a text has."""
    return sum(1 for _ in _WORD.finditer(text))


def packed(values: set[int], most: int) -> str:
    """At most so many of the values, the smallest: of two texts the same ones are kept."""
    return "".join(f"{value:06x}" for value in sorted(values)[:most])


def unpacked(kept: str) -> set[int]:
    """The inverse of `packed`."""
    return {int(kept[at : at + DIGITS], 16) for at in range(0, len(kept), DIGITS)}


def merged(found: list[Shingle]) -> list[tuple[int, int]]:
    """Start and end of the stretches that the shingles cover together."""
    stretches: list[tuple[int, int]] = []
    for one in sorted(found, key=lambda one: one.start):
        if stretches and one.start <= stretches[-1][1]:
            stretches[-1] = (stretches[-1][0], max(stretches[-1][1], one.end))
        else:
            stretches.append((one.start, one.end))
    return stretches
