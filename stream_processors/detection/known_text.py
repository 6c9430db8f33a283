"""What an agent had before it when it answered, reduced on arrival: sets of hashes, numbers and days.

A set of hashes is kept exactly while it is small and as a bitmap afterwards, in which some words seem known that are
not: errors are in favour of the agent. A bitmap that is more than half full tells nothing any more.
"""

from __future__ import annotations

import base64
import binascii
import re
import struct
import zlib
from collections.abc import Callable, Iterator, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field
from datetime import date
from typing import NamedTuple

from watchkeeper.stream_processors.detection.calendar_days import Day, days_in
from watchkeeper.stream_processors.detection.figures import is_arithmetic, spelled_in, values_in

MAX_LISTED = 200
"""Hashes that are listed, two bytes each; with more a bitmap tells almost as much and stays as long as it is."""

BITS = 13
MAX_SET = (1 << BITS) // 2
"""Bits of a bitmap that may be set."""

BITMAP = "~"
"""With which a bitmap begins; in Base64 it has no meaning."""

MAX_VALUES = 128
MAX_DAYS = 32
MAX_TEXT = 20_000
"""Characters of a source that are looked at."""

_DIGIT = re.compile(r"\d")
_PUNCTUATION = bytes(32 if not (chr(code).isalnum() or code >= 128) else code for code in range(256))
_QUOTES = str.maketrans(
    dict.fromkeys("\u2019\u2018\u201c\u201d\u201e\u00ab\u00bb\u2013\u2014\u2026\u00b7\u2022\u00a0\u202f", " ")
)


@dataclass(slots=True)
class Known:
    """What stands in the sources.

    Attributes:
        words: hashes of words and of days.
        runs: hashes of three words in a row.
        values: numbers that people calculate with, sorted.
        days: days as ordinals.
        crowded: whether there were more numbers than are kept.
        cut: whether a source was longer than what is looked at.
    """

    words: str = ""
    runs: str = ""
    values: list[float] = field(default_factory=list)
    days: list[int] = field(default_factory=list)
    crowded: bool = False
    cut: bool = False


def words_of(text: str) -> list[bytes]:
    """The words of a text as they are compared; what stands between them does not count."""
    if text.isascii():
        return text.lower().encode().translate(_PUNCTUATION).split()
    return text.casefold().translate(_QUOTES).encode(errors="replace").translate(_PUNCTUATION).split()


def hashed(word: bytes) -> int:
    """A word in 16 bits."""
    return zlib.crc32(word) & 0xFFFF


def runs_of(words: list[bytes]) -> list[int]:
    """Every three words in a row, in 16 bits each."""
    some = [zlib.crc32(word) for word in words]
    return [
        (one * 31 + two * 17 + three) >> 7 & 0xFFFF for one, two, three in zip(some, some[1:], some[2:], strict=False)
    ]


def day_hashes(day: Day) -> Iterator[int]:
    """A day in each of its readings, with its year, where it has one, and without."""
    for month, number in day.readings:
        yield hashed(b"day %d-%d" % (month, number))
        if day.year:
            yield hashed(b"day %d-%d-%d" % (day.year, month, number))


def take_in(known: Known, text: str) -> None:
    """Takes a source in."""
    known.cut = known.cut or len(text) > MAX_TEXT
    text = text[:MAX_TEXT]
    words = words_of(text)
    distinct = set(words)
    hashes = {zlib.crc32(word) & 0xFFFF for word in distinct}
    digits = _DIGIT.search(text) is not None
    if digits:
        hashes |= _days(known, text)
    values = spelled_in(words) | (values_in(text) if digits else set())
    if values:
        _keep(known, values)
        hashes.update(map(number_hash, values))
    known.words = add(known.words, hashes)
    known.runs = add(known.runs, set(runs_of(words)))


def reduce_briefly(known: Known, text: str) -> Reduced:
    """No more of what a person said than what is not quoted; its days are taken in at once."""
    text = text[:MAX_TEXT]
    if _DIGIT.search(text) is None:
        return Reduced(_hashes(words_of(text)), _NO_VALUES)
    reduced = reduce_words(words_of(text))
    days = _days(known, text)
    return Reduced(reduced.hashes | days, reduced.values) if days else reduced


class Reduced(NamedTuple):
    """Which words a text has, and the numbers among them."""

    hashes: frozenset[int]
    values: frozenset[float]


_NO_VALUES: frozenset[float] = frozenset()


def reduce_words(words: list[bytes]) -> Reduced:
    """No more of a source than which words it has, and the numbers among them."""
    hashes = _hashes(words)
    values = frozenset([float(word) for word in words if word.isdigit() and len(word) < 16])
    return Reduced(hashes.union(map(number_hash, values)), values) if values else Reduced(hashes, values)


def _hashes(words: list[bytes]) -> frozenset[int]:
    return frozenset([one & 0xFFFF for one in map(zlib.crc32, words)])


def take_reduced(known: Known, sources: Sequence[Reduced]) -> None:
    """Takes in what was made of sources."""
    for reduced in sources:
        if reduced.values:
            _keep(known, reduced.values)
    known.words = add(known.words, *[reduced.hashes for reduced in sources])


def _keep(known: Known, values: AbstractSet[float]) -> None:
    """Keeps numbers that people calculate with."""
    kept = sorted({*known.values, *[value for value in values if is_arithmetic(value)]})
    known.crowded = known.crowded or len(kept) > MAX_VALUES
    known.values = kept[:MAX_VALUES]


def _days(known: Known, text: str) -> set[int]:
    """Keeps days that people calculate with; gives the hashes of all of them."""
    days = list(days_in(text))
    if days:
        known.days = sorted({*known.days, *(ordinal for day in days for ordinal in _ordinals(day))})[-MAX_DAYS:]
    return {one for day in days for one in day_hashes(day)}


def number_hash(value: float) -> int:
    """A number in 16 bits, however it is written."""
    return hashed(b"%.12g" % value)


def add(kept: str, *sources: AbstractSet[int]) -> str:
    """A set with these hashes besides."""
    if kept[:1] == BITMAP:
        bitmap = bytearray(base64.b64decode(kept[1:]))
        known = set().union(*sources)
    else:
        raw = binascii.a2b_base64(kept)
        known = set(struct.unpack(f"<{len(raw) // 2}H", raw))
        more: list[int] = []
        for hashes in sources:
            fresh = hashes - known
            more += sorted(fresh)
            known |= fresh
        if not more:
            return kept
        if len(known) <= MAX_LISTED:
            return binascii.b2a_base64(raw + struct.pack(f"<{len(more)}H", *more), newline=False).decode()
        bitmap = bytearray(1 << BITS - 3)
    for one in known:
        place = one & (1 << BITS) - 1
        bitmap[place >> 3] |= 1 << (place & 7)
    return BITMAP + base64.b64encode(bitmap).decode()


def asker_of(kept: str) -> Callable[[int], bool]:
    """Asks the set."""
    if kept[:1] == BITMAP:
        bitmap = base64.b64decode(kept[1:])
        return lambda one: bool(bitmap[(one & (1 << BITS) - 1) >> 3] >> (one & 7) & 1)
    return _listed(kept).__contains__


def _listed(kept: str) -> set[int]:
    raw = base64.b64decode(kept)
    return set(struct.unpack(f"<{len(raw) // 2}H", raw))


def is_full(kept: str) -> bool:
    """Whether the set knows too much to tell anything."""
    return kept[:1] == BITMAP and int.from_bytes(base64.b64decode(kept[1:])).bit_count() > MAX_SET


def _ordinals(day: Day) -> Iterator[int]:
    for month, number in day.readings:
        ordinal = ordinal_of(day.year, month, number)
        if ordinal is not None:
            yield ordinal


def ordinal_of(year: int, month: int, day: int) -> int | None:
    """The day's place in the calendar; None where there is no such day, or no year."""
    try:
        return date(year, month, day).toordinal() if year else None
    except ValueError:
        return None
