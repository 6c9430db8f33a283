"""How much a text reads like instructions to an agent, by what stands in it: one linear pass, then a closer look.

Each signal has a weight and counts once. Some are *core*: honest texts hardly have them. Text in invisible characters,
and base64 that holds plain words, is read as what it hides. A text that *discusses* such attacks is marked: it names
them without making them.
"""

from __future__ import annotations

import base64
import binascii
import re
from dataclasses import dataclass, field
from functools import cache
from typing import Final

from pydantic_core import SchemaValidator, core_schema

from watchkeeper.schemas.evidence import InjectionSignal
from watchkeeper.stream_processors.detection.instruction_signals import (
    BLOB,
    CORE,
    GATE,
    GATED,
    SCREENS,
    SIGNALS,
    WEIGHTS,
)
from watchkeeper.stream_processors.detection.pattern_set import PatternSet

MAX_PLACES: Final = 4
"""Places of each signal that are looked at."""

MAX_REGION: Final = 4096
"""Characters around them that are read for what they ask."""

AHEAD: Final = 400
BEHIND: Final = 240
MAX_HIDDEN: Final = 8192
_MIN_PLAIN: Final = 0.9

_ZERO_WIDTH: Final = re.compile("[\u200b-\u200d\u2060\ufeff\u00ad]")
_MIN_ZERO_WIDTH: Final = 8
_TAGS: Final = re.compile("[\U000e0020-\U000e007e]{12,}")
"""Longer than the tags of a flag."""

_DISCUSSES: Final = SchemaValidator(
    core_schema.str_schema(
        strict=True,
        pattern=(
            r"(?i)prompt[- ]?injection|jailbreak|\battack(?:er|s|ers)?\b|adversarial|red[- ]team|phishing|OWASP"
            r"|vulnerabilit"
        ),
    )
)
_CODED: Final = SchemaValidator(core_schema.str_schema(strict=True, pattern=BLOB))
_JSON: Final = frozenset('{["')
_ESCAPES: Final = (("\\n", " \n"), ("\\r", "  "), ("\\t", " \t"), ('\\"', " '"), ("\\/", " /"))
_UNICODE: Final = re.compile(r"\\u([0-9a-fA-F]{4})")
_STRING_BEGINS: Final = re.compile(r"(?:[:,\[{]\s*|^)\"")
_STRING_ENDS: Final = re.compile(r"\"(?=\s*(?:[,\]}:]|$))")
_INVISIBLE: Final = (b"\xe2\x80", b"\xe2\x81\xa0", b"\xef\xbb\xbf", b"\xf3\xa0\x80", b"\xf3\xa0\x81", b"\xc2\xad")


@dataclass(slots=True)
class Suspicion:
    """What a text has of instructions.

    Attributes:
        signals: in the order of `WEIGHTS`.
        score: the sum of their weights.
        offset: where the heaviest of them stands, in characters.
        length: how long that is.
        region: the text around all of them, and what was hidden: it tells what is asked for.
        discusses: whether the text speaks about such attacks.
    """

    signals: list[InjectionSignal] = field(default_factory=list)
    score: int = 0
    offset: int = 0
    length: int = 0
    region: str = ""
    discusses: bool = False

    @property
    def is_core(self) -> bool:
        """Whether any signal is one that honest texts hardly have."""
        return not CORE.isdisjoint(self.signals)


def scan(text: str) -> Suspicion | None:
    """What a text has of instructions; None where it has nothing."""
    text, is_moved = _unescaped(text)
    raw = text.encode(errors="replace")
    occurring = _patterns().occurring(raw)
    is_odd = len(raw) != len(text) and any(mark in raw for mark in _INVISIBLE)
    # By the other engine: apart from the rest its automaton fits into the nearest cache.
    is_coded = is_moved or _CODED.isinstance_python(text)
    if not occurring and not is_odd and not is_coded:
        return None
    found = _places(raw, text, occurring)
    regions = [_region(text, start, end) for _, start, end in found]
    hidden = _invisible(text) if is_odd else []
    if is_coded:
        hidden += _encoded(text)
    for signal, start, end, plain in hidden:
        written = plain.encode(errors="replace")
        if inner := _places(written, plain, _patterns().occurring(written)):
            found += [(signal, start, end), *((one, start, end) for one, _, _ in inner)]
            regions.append((start, end, plain[:MAX_REGION]))
    if not found:
        return None
    summed = _summed(text, found, regions)
    if is_moved:
        summed.offset, summed.length = 0, len(text)
    return summed


def _unescaped(text: str) -> tuple[str, bool]:
    """A JSON text as its strings read, each character in its place if that can be; and whether it cannot."""
    if text[:1] not in _JSON or "\\" not in text:
        return text, False
    for escaped, plain in _ESCAPES:
        text = text.replace(escaped, plain)
    if "\\u" not in text:
        return text, False
    return _UNICODE.sub(lambda match: chr(int(match[1], 16)), text), True


def _summed(text: str, found: list[tuple[InjectionSignal, int, int]], regions: list[tuple[int, int, str]]) -> Suspicion:
    kinds = {signal for signal, _, _ in found}
    _, offset, end = max(found, key=lambda one: (WEIGHTS[one[0]], -one[1]))
    pieces, reached = [], -1
    for start, stop, piece in sorted(regions):
        if stop > reached:
            pieces.append(piece if start >= reached else piece[reached - start :])
            reached = stop
    return Suspicion(
        signals=[signal for signal in WEIGHTS if signal in kinds],
        score=sum(WEIGHTS[signal] for signal in kinds),
        offset=offset,
        length=end - offset,
        region="\n".join(pieces)[:MAX_REGION],
        discusses=_DISCUSSES.isinstance_python(text),
    )


def _places(raw: bytes, text: str, occurring: list[int]) -> list[tuple[InjectionSignal, int, int]]:
    """Each signal with its places, in characters."""
    patterns, plain = _patterns(), len(raw) == len(text)
    found = []
    for index in occurring:
        for start, end in patterns.places(index, raw, MAX_PLACES):
            if not plain:
                start, end = len(raw[:start].decode(errors="replace")), len(raw[:end].decode(errors="replace"))  # noqa: PLW2901 - bytes become characters
            found.append((SIGNALS[index][0], start, end))
    return found


def _region(text: str, start: int, end: int) -> tuple[int, int, str]:
    """From the beginning of the line, if that is near, to some sentences on; in JSON not beyond the string."""
    first = max(0, start - BEHIND, text.rfind("\n", 0, start) + 1)
    last = min(len(text), end + AHEAD)
    if text[:1] in _JSON:
        begins = [match.end() for match in _STRING_BEGINS.finditer(text, first, start)]
        ends = _STRING_ENDS.search(text, end, last)
        first, last = begins[-1] if begins else first, ends.start() if ends else last
    return first, last, text[first:last]


def _invisible(text: str) -> list[tuple[InjectionSignal, int, int, str]]:
    """What is written in characters that nobody sees: signal, place and plain text."""
    found: list[tuple[InjectionSignal, int, int, str]] = []
    if match := _TAGS.search(text):
        plain = "".join(chr(ord(letter) - 0xE0000) for letter in match.group()[:MAX_HIDDEN])
        found.append(("hidden", match.start(), match.end(), plain))
    if (first := _ZERO_WIDTH.search(text)) and len(_ZERO_WIDTH.findall(text)) >= _MIN_ZERO_WIDTH:
        found.append(("hidden", first.start(), first.end(), _ZERO_WIDTH.sub("", text)[:MAX_HIDDEN]))
    return found


def _encoded(text: str) -> list[tuple[InjectionSignal, int, int, str]]:
    """What is written in base64."""
    found: list[tuple[InjectionSignal, int, int, str]] = []
    raw = text.encode(errors="replace")
    for start, end in _blobs().places(0, raw, MAX_PLACES):
        if plain := _decoded(raw[start:end].decode("ascii")):
            first = len(raw[:start].decode(errors="replace"))
            found.append(("encoded", first, first + end - start, plain))
    return found


def _decoded(blob: str) -> str:
    """Base64 as plain words; empty where it holds something else, as images and keys do."""
    blob = blob.rstrip("=")[: MAX_HIDDEN * 4 // 3]
    try:
        plain = base64.b64decode(blob[: len(blob) // 4 * 4]).decode("ascii")
    except (binascii.Error, UnicodeDecodeError):
        return ""
    letters = sum(letter.isalpha() or letter == " " for letter in plain)
    return plain if letters >= _MIN_PLAIN * len(plain) - 8 and " " in plain else ""


@cache
def _patterns() -> PatternSet:
    return PatternSet([pattern.encode() for _, pattern in SIGNALS], SCREENS, gate=GATE.encode(), gated=GATED)


@cache
def _blobs() -> PatternSet:
    return PatternSet([BLOB.encode()])
