"""JSON read without parsing it: as one decoded text for scanning, and by the places of its scalars."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from itertools import accumulate
from typing import Final

import orjson

_SCALAR: Final = re.compile(rb'"[^"\\]*(?:\\.[^"\\]*)*"|-?\d[\d.eE+-]{8,}', re.DOTALL)
"""A string, a key among them, or a number of at least 9 characters."""

_NESTED: Final = re.compile(
    rb'"(?:[ ]|\\[nrtf]|\\u00(?:0[9a-dA-D]|20))*(?:[{\[]|\\u00[57][bB])[^"\\]*(?:\\.[^"\\]*)*"', re.DOTALL
)
"""A string that opens as JSON does; or the end of one, from an escaped quote on."""

QUOTES: Final = (b'"', b"\x7f")
"""What `opened` puts around strings: themselves where there is no escape, else what hardly any string holds."""

_FLAT: Final = bytes.maketrans(b'"\t\n\r', QUOTES[1] + b"   ")


def opened(raw: bytes) -> bytes | None:
    """The JSON text with its escapes decoded: each of its strings stands in it as it is, between `QUOTES`.

    None where it cannot be decoded so: it may be no JSON.
    """
    # One string of the whole text, so that the decoder in C does the work.
    if b"\\\\" in raw:
        raw = raw.replace(b"\\\\", b"\\u005c")
    if b'\\"' in raw:
        raw = raw.replace(b'\\"', b"\\u0022")
    try:
        text: str = orjson.loads(b'"%b"' % raw.translate(_FLAT))
    except ValueError:
        return None
    return text.encode()


def nested_in(raw: bytes) -> Iterator[tuple[int, int]]:
    """Start and end of those strings of a JSON text that may hold JSON themselves."""
    for match in _NESTED.finditer(raw):
        # Before a quote that opens a string there is no backslash. A match within a string ends with it.
        if raw[match.start() - 1] != 0x5C or not match.start():
            yield match.span()


def scalars_in(raw: bytes) -> list[tuple[int, int]]:
    """Start and end of all strings and long numbers of a JSON text."""
    return [match.span() for match in _SCALAR.finditer(raw)]


def touched_in(raw: bytes, find: Callable[[bytes], Iterable[tuple[int, int]]]) -> list[tuple[int, int]]:
    """Start and end of those strings and long numbers that something found lies in, or reaches into.

    Args:
        raw: the JSON text.
        find: start and end of what is found in the text as `opened` shows it.
    """
    escaped = b"\\" in raw
    text, quote = (opened(raw), QUOTES[1]) if escaped else (raw, QUOTES[0])
    quotes = _quotes_of(raw.replace(b"\\\\", b"  ").replace(b'\\"', b"  ") if escaped else raw)
    if text is None or text.count(quote) != len(quotes):
        return scalars_in(raw)
    # Strings and what is between them lie by turns between quotes.
    stretches: set[int] = set()
    for start, end in find(text):
        first = text.count(quote, 0, start)
        stretches.update(range(first, first + text.count(quote, start, end) + 1))
    found: list[tuple[int, int]] = []
    for stretch in sorted(stretches):
        if stretch % 2:
            found.append((quotes[stretch - 1], quotes[stretch] + 1))
        else:
            start = quotes[stretch - 1] + 1 if stretch else 0
            end = quotes[stretch] if stretch < len(quotes) else len(raw)
            found += [match.span() for match in _SCALAR.finditer(raw, start, end)]
    return found


def _quotes_of(raw: bytes) -> list[int]:
    pieces = raw.split(b'"')
    return [end + place for place, end in enumerate(accumulate(map(len, pieces)))][:-1]
