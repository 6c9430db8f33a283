"""Rewrites the scalars of a JSON text in place: what is not touched keeps its bytes, numbers beyond 64 bits too."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Final

import orjson

from watchkeeper.producers.masking.paths import Path
from watchkeeper.producers.masking.tokens import numbered

_TOKEN: Final = re.compile(rb'"[^"\\]*(?:\\.[^"\\]*)*"|[{}\[\],:]|[^\s{}\[\],:"]+', re.DOTALL)
_COLON: Final = re.compile(rb"\s*:")

Visit = Callable[[Path, bytes, bool, int], bytes | None]
"""Path, the scalar as JSON, whether it is a key, and where it begins; answers what to write in its place, or None."""

Whole = Callable[[Path, int, int], bytes | None]
"""Path, start and end of a whole value; answers what to write in its place, None to go into it."""


def splice(raw: bytes, spans: list[tuple[int, int]], new_for: Callable[[bytes], bytes | None]) -> bytes | None:
    """The text with some of its values replaced; None where one of them is a key, which takes a walk."""
    if any(_COLON.match(raw, end) for _, end in spans):
        return None
    pieces: list[bytes] = []
    done = 0
    for start, end in spans:
        new = new_for(raw[start:end])
        if new is not None:
            pieces += (raw[done:start], new)
            done = end
    return b"".join([*pieces, raw[done:]])


class JsonWalk:
    """One pass over one JSON text, in time linear in it."""

    def __init__(self, raw: bytes, at: Path, visit: Visit, whole: Whole | None) -> None:
        self._raw = raw
        self._tokens = [match.span() for match in _TOKEN.finditer(raw)]
        self._next = 0
        self._visit = visit
        self._whole = whole
        self._closings = {} if whole is None else self._find_closings()
        self._out: list[bytes] = []
        self._done = 0
        self._at = at

    def run(self) -> bytes:
        """The text, rewritten."""
        self._value(self._at)
        self._out.append(self._raw[self._done :])
        return b"".join(self._out)

    def _find_closings(self) -> dict[int, int]:
        """For each token that opens an object or a list, the one that closes it."""
        closings: dict[int, int] = {}
        opened: list[int] = []
        for index, (start, _) in enumerate(self._tokens):
            byte = self._raw[start]
            if byte in b"{[":
                opened.append(index)
            elif byte in b"}]":
                closings[opened.pop()] = index
        return closings

    def _replace(self, start: int, end: int, new: bytes) -> None:
        self._out += (self._raw[self._done : start], new)
        self._done = end

    def _value(self, path: Path) -> None:
        start, end = self._tokens[self._next]
        if self._whole is not None:
            last = self._closings.get(self._next, self._next)
            new = self._whole(path, start, self._tokens[last][1])
            if new is not None:
                self._replace(start, self._tokens[last][1], new)
                self._next = last + 1
                return
        self._next += 1
        opening = self._raw[start : start + 1]
        if opening == b"{":
            self._object(path)
        elif opening == b"[":
            self._array(path)
        elif (new := self._visit(path, self._raw[start:end], False, start)) is not None:
            self._replace(start, end, new)

    def _object(self, path: Path) -> None:
        seen: set[bytes] = set()
        places: dict[bytes, int] = {}
        while self._byte() != b"}":
            if self._byte() == b",":
                self._next += 1
            start, end = self._tokens[self._next]
            key = self._raw[start:end]
            new = self._visit(path, key, True, start)
            if new is not None:
                new = _apart(new, seen, places)
                self._replace(start, end, new)
            seen.add(new or key)
            self._next += 2
            self._value((*path, orjson.loads(key)))
        self._next += 1

    def _array(self, path: Path) -> None:
        while self._byte() != b"]":
            if self._byte() == b",":
                self._next += 1
            # Places in a list are no names: `items.price` is the price of each.
            self._value(path)
        self._next += 1

    def _byte(self) -> bytes:
        start = self._tokens[self._next][0]
        return self._raw[start : start + 1]


def _apart(new: bytes, seen: set[bytes], places: dict[bytes, int]) -> bytes:
    """A key that was replaced, told apart from those before it: one that stands twice would be refused."""
    while True:
        place = places.get(new, 0)
        places[new] = place + 1
        apart = b'%b%b"' % (new[:-1], numbered(place))
        if apart not in seen:
            return apart
