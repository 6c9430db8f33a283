"""Texts as graders compare them: normalised to words, and how much two of them share."""

from __future__ import annotations

import re
import unicodedata
from collections import Counter
from collections.abc import Sequence
from typing import Final

MAX_WORDS: Final = 20_000
"""Words of a text that are compared; answers are far shorter, and what is pasted into one is not what is meant."""

_WORD: Final = re.compile(r"\d+(?:[.,'\u00a0\u202f]\d+)*|[^\W\d_]+(?:['\u2019][^\W\d_]+)*|[^\W_]")
_GROUPED: Final = re.compile(r"\d{1,3}(?:[,'\u00a0\u202f]\d{3})+(?:\.\d+)?")


def words_of(text: str) -> list[str]:
    """The words and numbers of a text: no case, no punctuation, one spelling.

    `1,200.50` and `1200.5` are one number. A comma before anything but three digits stands before decimals (`12,5`).
    """
    folded = unicodedata.normalize("NFKC", text).casefold()
    return [_spelled(word) for word in _WORD.findall(folded)[:MAX_WORDS]]


def _spelled(word: str) -> str:
    if not word[0].isdecimal():
        return word.replace("\u2019", "'")
    plain = re.sub(r"[,'\u00a0\u202f]", "", word) if _GROUPED.fullmatch(word) else word.replace(",", ".")
    if plain.count(".") != 1:
        return plain
    return plain.rstrip("0").rstrip(".")


def token_f1(one: Sequence[str], other: Sequence[str]) -> float:
    """The harmonic mean of which share of each text's words stands in the other; order does not matter.

    1 where both are empty, 0 where one is.
    """
    return _f1(sum((Counter(one) & Counter(other)).values()), len(one), len(other))


def sequence_f1(one: Sequence[str], other: Sequence[str]) -> float:
    """The same of the words that stand in the same order in both (their longest common subsequence: ROUGE-L)."""
    return _f1(common_in_order(one, other), len(one), len(other))


def _f1(common: int, one: int, other: int) -> float:
    return 2 * common / (one + other) if one + other else 1.0


def common_in_order(one: Sequence[str], other: Sequence[str]) -> int:
    """The length of the longest common subsequence.

    Bit-parallel (Hyyrö 2004): a row of the table is one integer, so two texts of 5,000 words take milliseconds.
    """
    places: dict[str, int] = {}
    for at, word in enumerate(one):
        places[word] = places.get(word, 0) | 1 << at
    whole = (1 << len(one)) - 1
    row = whole
    for word in other:
        hits = row & places.get(word, 0)
        row = (row + hits | row - hits) & whole
    return len(one) - row.bit_count()


def contains_words(text: Sequence[str], phrase: Sequence[str]) -> bool:
    """Whether the phrase's words stand in the text one after another."""
    length = len(phrase)
    return any(text[at : at + length] == phrase for at in range(len(text) - length + 1))
