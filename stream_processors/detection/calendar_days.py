"""Days as people write them: `2026-05-16`, `16 May 2026`, `May 16th`, `16.05.2026`, `5/16/26`.

A day is read in every way that it may be meant: `5/6/2026` is in May or in June. Names of months are English, German,
French and Spanish. Weekdays and words ("tomorrow") are not read.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from pydantic_core import SchemaValidator, core_schema

_MONTHS = (
    "january jan januar janvier enero", "february feb februar février fevrier febrero", "march mar märz mars marzo",
    "april apr avril abril", "may mai mayo", "june jun juni juin junio", "july jul juli juillet julio",
    "august aug août aout agosto", "september sep sept septembre septiembre", "october oct oktober octobre octubre",
    "november nov novembre noviembre", "december dec dezember décembre decembre diciembre",
)  # fmt: skip
_MONTH = {word: number for number, line in enumerate(_MONTHS, 1) for word in line.split()}
_STEMS = "|".join(sorted({word[:3] for word in _MONTH}))
_GAP = r"[\s\x1c-\x1f]"
"""White space as `re` has it."""

_SOME = r"(?:\d?[\d--0]|[\d--0]\d)"
"""The number of a day or a month: of one or two digits, and not nought."""

_MAY_NAME = SchemaValidator(
    core_schema.str_schema(
        strict=True,
        pattern=(
            rf"(?i)\d{{4}}[-/.]{_SOME}[-/.]{_SOME}|{_SOME}[-/.]{_SOME}[-/.]\d\d"
            rf"|\d(?:st|nd|rd|th|\.|er)?{_GAP}(?:(?:of|de){_GAP})?(?:{_STEMS})"
            rf"|(?:{_STEMS})\pL{{0,7}}\.?{_GAP}(?:the{_GAP})?\d"
        ),
    )
)
"""Matches wherever a day is named, by the linear engine: the backtracking one is tried only there."""

_STEM = SchemaValidator(core_schema.str_schema(strict=True, pattern=rf"(?i){_STEMS}"))

_NUMBERS = re.compile(
    r"(?<!\d)(?:(?P<y1>\d{4})[-/.](?P<m1>\d\d?)[-/.](?P<d1>\d\d?)(?!\d)"
    r"|(?P<a>\d\d?)[./-](?P<b>\d\d?)[./-](?P<y2>\d{4}|\d\d)(?!\d)"
    r"|(?P<d3>\d\d?)(?:st|nd|rd|th|\.|er)?\s(?:of\s|de\s)?(?P<n3>[^\W\d_]{3,10})\.?(?:,?\s(?:de\s)?(?P<y3>\d{4}))?)"
)
_NAMED = re.compile(
    r"\b(?P<n4>[^\W\d_]{3,10})\.?\s(?:the\s)?(?P<d4>\d\d?)(?:st|nd|rd|th)?(?!\d)(?:,?\s(?P<y4>\d{4})(?!\d))?"
)


@dataclass(frozen=True, slots=True)
class Day:
    """A day in a text; `readings` are month and day, `year` is 0 where none is written."""

    start: int
    end: int
    year: int
    readings: tuple[tuple[int, int], ...]


def days_in(text: str) -> Iterator[Day]:
    """The days of a text; those that begin with their month last."""
    if not _MAY_NAME.isinstance_python(text):
        return
    for found in _NUMBERS.finditer(text):
        if found["y1"]:
            yield from _day(found, int(found["y1"]), ((int(found["m1"]), int(found["d1"])),))
        elif found["a"]:
            one, other, year = int(found["a"]), int(found["b"]), int(found["y2"])
            yield from _day(found, year + (2000 if year < 100 else 0), ((one, other), (other, one)))
        elif month := _MONTH.get(found["n3"].casefold()):
            yield from _day(found, int(found["y3"] or 0), ((month, int(found["d3"])),))
    if _STEM.isinstance_python(text):
        for found in _NAMED.finditer(text):
            if month := _MONTH.get(found["n4"].casefold()):
                yield from _day(found, int(found["y4"] or 0), ((month, int(found["d4"])),))


def _day(found: re.Match[str], year: int, pairs: Iterable[tuple[int, int]]) -> Iterator[Day]:
    readings = tuple(dict.fromkeys((month, day) for month, day in pairs if 1 <= month <= 12 and 1 <= day <= 31))
    if readings:
        yield Day(found.start(), found.end(), year, readings)
