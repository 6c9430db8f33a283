"""Which deeds a text speaks of: a reason for them where it is a user's, an order where a content tries to instruct.

Deeds are those of `deeds`, as bits by their places in `DEEDS`. A user who speaks of a deed in any of the words of
`word_lists` (`wide`) has given a reason; an order names it by its verb (`ordered`).
"""

from __future__ import annotations

import re
from functools import cache, lru_cache
from typing import Final

from watchkeeper.stream_processors.detection.deeds import DEEDS, VERBS
from watchkeeper.stream_processors.detection.word_lists import CORE, MIN_PREFIX, WIDE, Deed

ALL: Final = (1 << len(DEEDS)) - 1
MAX_READ: Final = 16_000
"""Characters of a text that are read."""

_WORD: Final = re.compile(r"[a-z0-9$]+")


def bit(deed: Deed) -> int:
    """The deed's bit."""
    return 1 << DEEDS.index(deed)


def spoken_of(text: str) -> int:
    """The deeds that a text speaks of."""
    return deeds_of(words_in(text))


def words_in(text: str) -> set[str]:
    """The words of a text, small."""
    return set(_WORD.findall(text[:MAX_READ].lower()))


def deeds_of(words: set[str]) -> int:
    """The deeds that these words speak of."""
    found = 0
    for word in words:
        found |= _spoken(word)
    return found


@lru_cache(maxsize=256)
def spoken_of_shared(text: str) -> int:
    """The same for a text that serves many sessions: it is read once."""
    return spoken_of(text)


def ordered_in(text: str) -> int:
    """The deeds that a text names by a verb in its plain form, as orders do."""
    found = 0
    for word in words_in(text):
        found |= _orders().get(word, 0)
    return found


@lru_cache(maxsize=16_384)
def _spoken(word: str) -> int:
    whole, beginnings = _any_list()
    if word not in whole and not word.startswith(beginnings):
        return 0
    return sum(bit(deed) for deed in DEEDS if _speaks_of(word, deed))


def _speaks_of(word: str, deed: Deed) -> bool:
    whole, beginnings = _lists()[deed]
    return word in whole or word.startswith(beginnings)


@cache
def _lists() -> dict[Deed, tuple[frozenset[str], tuple[str, ...]]]:
    """For each deed the words that stand for themselves, and the beginnings."""
    lists = {}
    for deed in DEEDS:
        wide = WIDE.get(deed, frozenset())
        lists[deed] = (wide, (*CORE[deed], *(word for word in wide if len(word) >= MIN_PREFIX)))
    return lists


@cache
def _any_list() -> tuple[frozenset[str], tuple[str, ...]]:
    """Of all deeds together: most words speak of none, and one look tells."""
    lists = _lists().values()
    return frozenset().union(*(whole for whole, _ in lists)), tuple({one for _, some in lists for one in some})


@cache
def _orders() -> dict[str, int]:
    orders: dict[str, int] = {}
    for deed, verbs in VERBS.items():
        for verb in verbs:
            orders[verb] = orders.get(verb, 0) | bit(deed)
    return orders
