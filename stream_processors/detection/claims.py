"""What an answer claims that can be looked up (numbers, days, names, quotations), and what of it nothing supports."""

from __future__ import annotations

import re
from bisect import insort
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from watchkeeper.schemas.evidence.ungrounded_answer import ClaimKind, UnsupportedClaim
from watchkeeper.stream_processors.detection.calendar_days import Day, days_in
from watchkeeper.stream_processors.detection.figures import Figure, figures_in, follows
from watchkeeper.stream_processors.detection.known_text import (
    Known,
    asker_of,
    day_hashes,
    hashed,
    is_full,
    number_hash,
    ordinal_of,
    runs_of,
    words_of,
)
from watchkeeper.stream_processors.detection.session_rules.violations import describe
from watchkeeper.stream_processors.detection.word_lists import listed

MAX_ANSWER = 20_000
MAX_COUNT = 12
"""Whole numbers up to this without a unit count or number things ("3 options", "step 2"): everybody makes them up."""

QUOTED_WORDS = 5
"""Words from which on what stands in quotation marks is a quotation, and no term."""

QUOTED_SHARE = 0.6
"""Of the runs of three words of a quotation must stand in the sources: an omission ("…") breaks two."""

CAPITALS = 0.25
"""Of the words within sentences may be capitalised: above it capitals tell no names (German, headings)."""

_MASKED = re.compile(r"```.*?```|`[^`\n]*`|https?://\S+|\S+@\S+\.\w+|\]\([^)\s]*\)", re.DOTALL)
_MARKER = re.compile(r"(?m)^[\s>*#_-]*(?:\(?\d{1,3}[.)]|step \d+)", re.IGNORECASE)
_QUOTATION = re.compile(r"[“\"«„]([^“”\"«»„\n]{20,600})[”\"»“]")
_WORD = re.compile(r"[^\W\d_][^\W\d_'\u2019-]*(?:['\u2019-][^\W\d_]+)*")
_ENDS = '.!?:;\n\u2022*#|>"\u201c\u201d\u201e\u00ab(=/-\u2013\u2014_'
_TITLES = frozenset({"mr", "mrs", "ms", "dr", "prof", "st"})
_NO_NAMES = listed(
    "i i'm i'll i've i'd monday tuesday wednesday thursday friday saturday sunday january february march april may",
    "june july august september october november december english german french spanish internet web wi-fi ok",
    "support customer service sales team help center centre",
)
_CODE = re.compile(r"\s*\(([A-Z0-9]{2,6})\)")
"""A known code in brackets explains the name before it: "Charlotte (CLT)"."""

_EXAMPLE = re.compile(r"\b(?:e\.g\.|for example|for instance|such as|like|z\. ?B\.),?\s[^.!?]{0,12}$", re.IGNORECASE)
"""What comes after it claims nothing."""

_SHOWN = re.compile(r"(?:=[\s*$]*|\bending (?:in|with) [\s*]*)$")
"""What comes after it was calculated before the reader's eyes, or is a part of a number."""

_NAMED = re.compile(
    r"(?:\b(?:named|called|mr|mrs|ms|dr|prof|professor|herr|frau|contact|ask|colleague|manager|led by|founded by"
    r"|written by|signed by|approved by|designed by|author|in|near|from)\.?)\s$",
    re.IGNORECASE,
)


@dataclass(slots=True)
class Judged:
    """What became of the claims of an answer.

    Attributes:
        checked: claims that could be judged.
        unsupported: those that nothing supports, in the order of the answer.
    """

    checked: int
    unsupported: list[UnsupportedClaim]


@dataclass(slots=True)
class _Claim:
    kind: ClaimKind
    start: int
    end: int
    described: str
    supported: bool


def judge_claims(answer: str, known: Known, today: int) -> Judged:
    """Judges what an answer claims.

    Args:
        answer: its text.
        known: what the agent had before it.
        today: the day of the answer, as an ordinal.
    """
    text = _blanked(answer[:MAX_ANSWER], _MASKED)
    # In JSON everything stands in quotation marks.
    claims = [] if text.lstrip()[:1] in {"{", "["} else list(_quotations(text, known))
    for claim in claims:
        text = text[: claim.start] + " " * (claim.end - claim.start) + text[claim.end :]
    if not is_full(known.words):
        days = list(days_in(text))
        claims += (_day(day, known, today) for day in days)
        for day in days:
            text = text[: day.start] + " " * (day.end - day.start) + text[day.end :]
        claims += _names(text, known)
        claims += _numbers(_blanked(text, _MARKER), known, today)
    claims.sort(key=lambda claim: claim.start)
    return Judged(
        len(claims),
        [
            UnsupportedClaim(claim=one.kind, start=one.start, length=one.end - one.start, described=one.described)
            for one in claims
            if not one.supported
        ],
    )


def _blanked(text: str, pattern: re.Pattern[str]) -> str:
    return pattern.sub(lambda found: " " * len(found[0]), text)


def _quotations(text: str, known: Known) -> Iterator[_Claim]:
    if is_full(known.runs):
        return
    stands = asker_of(known.runs)
    for found in _QUOTATION.finditer(text):
        words = words_of(found[1])
        if len(words) < QUOTED_WORDS:
            continue
        runs = runs_of(words)
        share = sum(map(stands, runs)) / len(runs)
        described = f"a quotation of {len(words)} words"
        yield _Claim("quotation", found.start(1), found.end(1), described, share >= QUOTED_SHARE)


def _day(day: Day, known: Known, today: int) -> _Claim:
    stands = asker_of(known.words)
    supported = any(map(stands, day_hashes(day)))
    reach = {1.0, *(value * unit for value in known.values for unit in (1, 7, 30))}
    for month, number in day.readings:
        if supported:
            break
        years = [day.year] if day.year else [_year_of(today) + step for step in (-1, 0, 1)]
        ordinals = [one for one in (ordinal_of(year, month, number) for year in years) if one is not None]
        supported = any(one == base or abs(one - base) in reach for one in ordinals for base in (today, *known.days))
    return _Claim("date", day.start, day.end, "a date", supported)


def _year_of(ordinal: int) -> int:
    return int(ordinal / 365.2425) + 1


def _numbers(text: str, known: Known, today: int) -> Iterator[_Claim]:
    stands = asker_of(known.words)
    values = list(known.values)
    said: list[float] = []
    for figure in figures_in(text):
        value = figure.readings[0] if figure.readings else 0.0
        if not figure.unit and value <= MAX_COUNT and not figure.decimals:
            continue
        before = text[max(0, figure.start - 24) : figure.start]
        if _EXAMPLE.search(before) or _SHOWN.search(before):
            continue
        supported = (
            known.crowded
            or any(stands(number_hash(one)) for one in figure.readings)
            or (not figure.unit and abs(value - _year_of(today)) <= 1)
            or follows(figure, values)
            or _adds_up(value, said)
        )
        if supported:
            said.append(value)
            insort(values, value)
        yield _Claim("number", figure.start, figure.end, _described(figure, value), supported)


def _adds_up(value: float, said: list[float]) -> bool:
    """Whether a number is the sum of those that the answer has just listed."""
    total = 0.0
    for one in reversed(said[-24:]):
        total += one
        if abs(total - value) < 0.006:
            return True
    return False


def _described(figure: Figure, value: float) -> str:
    number = describe(int(value) if value == int(value) else value)
    unit = {"money": ", an amount of money", "share": " per cent", "time": ", a time", "": ""}[figure.unit]
    return f"{number}{unit}"


def _names(text: str, known: Known) -> Iterator[_Claim]:
    words = list(_WORD.finditer(text))
    inner = [word for word in words if not _begins(text, word.start())]
    capitals = sum(_is_capital(word[0]) for word in inner)
    if len(inner) > 12 and capitals > CAPITALS * len(inner):
        return
    stands = asker_of(known.words)
    for name in _sequences(text, words):
        titled = name[0][0].casefold() in _TITLES
        rest = name[1:] if titled or _begins(text, name[0].start()) else name
        if not rest or all(word[0].casefold() in _NO_NAMES for word in rest):
            continue
        alone = len(rest) == 1
        if alone and (len(rest[0][0]) < 4 or not _NAMED.search(text[max(0, rest[0].start() - 16) : rest[0].start()])):
            continue
        start, end = rest[0].start(), rest[-1].end()
        code = _CODE.match(text, end)
        named = [*(word[0] for word in rest), *([code[1]] if code else [])]
        supported = any(_stands(part, stands) for word in named for part in words_of(word))
        if _EXAMPLE.search(text[max(0, start - 24) : start]):
            continue
        yield _Claim("name", start, end, f"a name of {len(rest)} word{'' if alone else 's'}", supported)


def _stands(word: bytes, asked: Callable[[int], bool]) -> bool:
    if len(word) < 2:
        return False
    forms = {word, word + b"s", word.removesuffix(b"s"), word.removesuffix(b"es"), word.removesuffix(b"ed")}
    return any(asked(hashed(form)) for form in forms if form)


def _sequences(text: str, words: list[re.Match[str]]) -> Iterator[list[re.Match[str]]]:
    """Capitalised words that stand together."""
    current: list[re.Match[str]] = []
    for word in words:
        between = text[current[-1].end() : word.start()] if current else ""
        joined = between in {" ", " & "} or (between == ". " and current[-1][0].casefold() in _TITLES)
        if _is_capital(word[0]) and word[0].casefold() not in _NO_NAMES:
            if current and not joined:
                yield current
                current = []
            current.append(word)
        elif current:
            yield current
            current = []
    if current:
        yield current


def _is_capital(word: str) -> bool:
    return word[0].isupper() and not word.isupper()


def _begins(text: str, start: int) -> bool:
    """Whether a sentence, a heading or an entry of a list begins here."""
    before = text[max(0, start - 8) : start].rstrip(" \t")
    return not before or before[-1] in _ENDS
