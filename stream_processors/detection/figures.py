"""Numbers as people write them, and whether one follows from others.

A number is read in every way that it may be meant: `1,200` is 1200, or 1.2 where a comma stands before decimals;
`1.2k` is 1200; `thirty` is 30. A number *follows* from known ones where it is one of them, rounded as people round;
the same in another unit of time or size; or the sum, difference or product of two, a percentage of one, or what
percentage one is of the other. Amounts of money, shares and times are not mixed in sums: where many numbers are known
nearly every small one would follow.
"""

from __future__ import annotations

import re
from bisect import bisect_left
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Literal

from pydantic_core import SchemaValidator, core_schema

Unit = Literal["", "money", "share", "time"]

_SCALES = {"k": 1e3, "thousand": 1e3, "tsd": 1e3, "m": 1e6, "mn": 1e6, "mio": 1e6, "million": 1e6, "millions": 1e6}
_SCALES |= {"millionen": 1e6, "b": 1e9, "bn": 1e9, "billion": 1e9, "billions": 1e9, "mrd": 1e9, "crore": 1e7}
_CURRENCY = "$€£¥₹"
_MONEY = {"usd", "eur", "gbp", "chf", "dollar", "dollars", "euro", "euros", "pounds", "cents", "rupees", "yen"}
_SHARE = {"%", "percent", "per cent", "prozent", "pct", "percentage"}
_TIMES = {
    "second": 1.0, "minute": 60.0, "hour": 3600.0, "day": 86400.0, "night": 86400.0, "week": 604800.0,
    "fortnight": 1209600.0, "month": 2592000.0, "quarter": 7776000.0, "year": 31536000.0,
    "sekunde": 1.0, "sekunden": 1.0, "minuten": 60.0, "stunde": 3600.0, "stunden": 3600.0, "tag": 86400.0,
    "tage": 86400.0, "tagen": 86400.0, "woche": 604800.0, "wochen": 604800.0, "monat": 2592000.0,
    "monate": 2592000.0, "monaten": 2592000.0, "jahr": 31536000.0, "jahre": 31536000.0, "jahren": 31536000.0,
    "jour": 86400.0, "heure": 3600.0, "semaine": 604800.0, "mois": 2592000.0, "an": 31536000.0,
    "dia": 86400.0, "día": 86400.0, "hora": 3600.0, "semana": 604800.0, "mes": 2592000.0, "meses": 2592000.0,
    "año": 31536000.0, "dias": 86400.0, "días": 86400.0, "horas": 3600.0, "semanas": 604800.0, "años": 31536000.0,
}  # fmt: skip
_NUMBER = re.compile(
    r"(?<![\w.,:/])(?P<sign>[$€£¥₹]\s?)?"
    r"(?P<digits>\d{1,3}(?:[,.'\u00a0\u202f]\d{3})+(?:[.,]\d+)?|\d+(?:[.,]\d+)?)"
    r"(?:(?P<after>\s?%|\s?[€£₹]|[kKMB]\b|(?:\s|-|\u00a0)(?:(?:business|working|calendar|full|consecutive)\s)?"
    r"[^\W\d_]{1,12}\b)|(?!\w|[:/]\d))"
)
_MAY_SCALE = SchemaValidator(
    core_schema.str_schema(
        strict=True, pattern=rf"(?i)\d[\s\x1c-\x1f\u00a0-]?(?:{'|'.join(sorted(_SCALES, reverse=True))})(?:\PL|$)"
    )
)
"""Matches wherever a number is followed by how many of it."""

_SOURCE = re.compile(r"\d[\d.,'\u00a0\u202f]*")
_UNITS = (
    *("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve"),
    *("thirteen", "fourteen", "fifteen", "sixteen", "seventeen", "eighteen", "nineteen"),
)
_WORDS: dict[str, float] = {word: float(value) for value, word in enumerate(_UNITS)}
_TENS = ["twenty", "thirty", "forty", "fifty", "sixty", "seventy", "eighty", "ninety"]
_WORDS |= {word: 20.0 + 10 * place for place, word in enumerate(_TENS)}
_WORDS |= {"dozen": 12, "hundred": 100, "thousand": 1000, "half": 0.5, "quarter": 0.25, "double": 2, "twice": 2}
_WORDS |= {"once": 1, "single": 1, "triple": 3, "first": 1, "second": 2, "third": 3, "fortnight": 14, "million": 1e6}
_BYTES = {word.encode(): value for word, value in _WORDS.items()}
_LARGEST = 1e9
"""Longer numbers name things, and nobody adds them up."""

_COUNTED = 20.0
_COUNTS = range(2, 10)
"""So many of something that has a price: how many, the reader knows."""


@dataclass(frozen=True, slots=True)
class Figure:
    """A number in a text.

    Attributes:
        start: of its first character.
        end: after its last one, unit included.
        readings: what it may mean, the likeliest first.
        decimals: how many it is written with.
        factor: seconds in its unit, for times; 0 otherwise.
    """

    start: int
    end: int
    readings: tuple[float, ...]
    decimals: int
    unit: Unit
    factor: float = 0.0


def figures_in(text: str) -> Iterable[Figure]:
    """The numbers of an answer that may be claims."""
    for found in _NUMBER.finditer(text):
        after = (found["after"] or "").strip(" -\u00a0").casefold()
        unit, factor, scale = _unit(after, signed=bool(found["sign"]))
        end = found.end() if _is_unit(after) else found.end("digits")
        values = readings(found["digits"])
        if scale != 1:
            values = (*(value * scale for value in values), *values)
        yield Figure(found.start(), end, values, _decimals(found["digits"]), unit, factor)


def readings(digits: str) -> tuple[float, ...]:
    """What a run of digits, points and commas may mean."""
    plain = re.sub(r"['\u00a0\u202f]", "", digits.rstrip(".,'\u00a0\u202f"))
    if not ("," in plain or "." in plain):
        return (float(plain),) if len(plain) < 300 else ()
    english, other = plain.replace(",", ""), plain.replace(".", "").replace(",", ".")
    found = [float(spelled) for spelled in (english, other) if spelled.count(".") <= 1]
    return tuple(dict.fromkeys(found))


def values_in(text: str) -> set[float]:
    """Every number of a source, in every reading."""
    values: set[float] = set()
    for digits in _SOURCE.findall(text):
        if len(digits) <= 20:
            values.update(readings(digits))
    if not _MAY_SCALE.isinstance_python(text):
        return values
    for figure in _NUMBER.finditer(text):
        after = (figure["after"] or "").strip(" -\u00a0").casefold()
        if after in _SCALES:
            values.update(value * _SCALES[after] for value in readings(figure["digits"]))
    return values


def spelled_in(words: Iterable[bytes]) -> set[float]:
    """Numbers that are spelled in words: English ones."""
    known = [_BYTES[word] for word in words if word in _BYTES]
    # "twenty five", "three hundred": parts and wholes alike.
    found = set(known)
    for one, other in pairwise(known):
        found.add(one + other if one >= 20 > other else one * other)
    return found


def is_arithmetic(value: float) -> bool:
    """Whether people calculate with such a number."""
    return abs(value) < _LARGEST


def follows(figure: Figure, values: Sequence[float]) -> bool:
    """Whether one reading of the number follows from known values (sorted)."""
    return any(_follows(value, figure, values) for value in figure.readings)


def _follows(value: float, figure: Figure, values: Sequence[float]) -> bool:
    if any(_rounds_to(known, value, figure.decimals) for known in values):
        return True
    if figure.factor:
        seconds = value * figure.factor
        if any(_close(seconds, known * factor) for known in values for factor in set(_TIMES.values())):
            return True
    half = 0.5 * 10.0**-figure.decimals if figure.decimals else 1e-6
    if (
        value >= _COUNTED
        and figure.unit in {"", "money"}
        and any(_close(value / n, x) for x in values for n in _COUNTS)
    ):
        return True
    return _from_two(value, half, values, shares=figure.unit == "share")


def _from_two(value: float, half: float, values: Sequence[float], *, shares: bool) -> bool:
    low, high = value - half, value + half
    for known in values:
        if known <= 0 or known == 1:
            continue
        ranges = [(low - known, high - known), (low + known, high + known), (low / known, high / known)]
        if shares:
            # 100 * known / other, to the precision that is shown, at least to half a per cent.
            wide = max(half, 0.5)
            ranges += [(100 * known / (value + wide), 100 * known / max(1e-9, value - wide))]
        ranges += [(100 * low / known, 100 * high / known)] if value > 0 else []
        ranges += [(100 - 100 * high / known, 100 - 100 * low / known)] if 0 < value < known else []
        if any(_any_within(values, start, end) for start, end in ranges):
            return True
    return False


def _any_within(values: Sequence[float], low: float, high: float) -> bool:
    # What is added or multiplied by says something: nought and one do not.
    low, high = max(low, 1.000001), high + 1e-9 * abs(high)
    place = bisect_left(values, low - 1e-9 * abs(low))
    return place < len(values) and values[place] <= high


def _rounds_to(known: float, value: float, decimals: int) -> bool:
    if _close(known, value):
        return True
    if decimals:
        return abs(known - value) <= 0.5 * 10.0**-decimals + 1e-9
    if known != int(known) and abs(known - value) <= 0.5:
        return True
    written = f"{value:.0f}"
    zeros = len(written) - len(written.rstrip("0"))
    return 0 < zeros < len(written) - 1 and abs(known - value) <= 0.5 * 10.0**zeros


def _close(one: float, other: float) -> bool:
    return abs(one - other) <= 1e-6 * max(1.0, abs(one))


def _is_unit(after: str) -> bool:
    return _is_scale(after) or _unit(after, signed=False)[0] != ""


def _is_scale(after: str) -> bool:
    """Whether the word after a number says how many of it ("1.2 million")."""
    return after.rpartition(" ")[2] in _SCALES


def _unit(after: str, *, signed: bool) -> tuple[Unit, float, float]:
    """Unit, seconds in it, scale."""
    word = after.rpartition(" ")[2]
    scale = _SCALES.get(word, 1.0)
    if signed or word in _MONEY or word in set(_CURRENCY):
        return "money", 0.0, scale
    if word in _SHARE:
        return "share", 0.0, 1.0
    factor = _TIMES.get(word) or _TIMES.get(word.removesuffix("s"))
    return ("time", factor, 1.0) if factor else ("", 0.0, scale)


def _decimals(digits: str) -> int:
    tail = re.search(r"[.,](\d+)$", digits)
    return 0 if tail is None or len(tail[1]) == 3 else len(tail[1])
