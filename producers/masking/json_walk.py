"""Rewrites the scalars of a JSON text in place: what is not touched keeps its bytes, numbers beyond 64 bits too."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Final

import orjson

_TOKEN: Final = re.compile(rb'"[^"\\]*(?:\\.[^"\\]*)*"|[{}\[\],:]|[^\s{}\[\],:"]+', re.DOTALL)
_SCALAR: Final = re.compile(rb'"[^"\\]*(?:\\.[^"\\]*)*"|-?\d[\d.eE+-]{11,}', re.DOTALL)

Path = tuple[str, ...]
Visit = Callable[[Path, bytes, bool], bytes | None]
"""Path, the scalar as JSON, and whether it is a key; answers what to write in its place, None to leave it."""

Whole = Callable[[Path, bytes], bytes | None]
"""Path and a whole value as JSON; answers what to write in its place, None to go into it."""


def scalars_of(raw: bytes) -> bytes:
    """All strings, keys among them, and long numbers of a JSON text, decoded, each on a line of its own."""
    tokens = _SCALAR.findall(raw)
    values = orjson.loads(b"[%b]" % b",".join(token if token[:1] == b'"' else b'"%b"' % token for token in tokens))
    return "\n\x00\n".join(values).encode()


class JsonWalk:
    """One pass over one JSON text."""

    def __init__(self, raw: bytes, at: Path, visit: Visit, whole: Whole | None) -> None:
        self._raw = raw
        self._tokens = [(match.start(), match.end()) for match in _TOKEN.finditer(raw)]
        self._next = 0
        self._visit = visit
        self._whole = whole
        self._out: list[bytes] = []
        self._done = 0
        self._at = at

    def run(self) -> bytes:
        """The text, rewritten."""
        self._value(self._at)
        self._out.append(self._raw[self._done :])
        return b"".join(self._out)

    def _replace(self, start: int, end: int, new: bytes) -> None:
        self._out += (self._raw[self._done : start], new)
        self._done = end

    def _value(self, path: Path) -> None:
        start, end = self._tokens[self._next]
        opening = self._raw[start : start + 1]
        if self._whole is not None:
            last = self._closing()
            new = self._whole(path, self._raw[start : self._tokens[last][1]])
            if new is not None:
                self._replace(start, self._tokens[last][1], new)
                self._next = last + 1
                return
        self._next += 1
        if opening == b"{":
            self._object(path)
        elif opening == b"[":
            self._array(path)
        elif (new := self._visit(path, self._raw[start:end], False)) is not None:
            self._replace(start, end, new)

    def _closing(self) -> int:
        depth = 0
        for index in range(self._next, len(self._tokens)):
            start = self._tokens[index][0]
            byte = self._raw[start : start + 1]
            depth += (byte in b"{[") - (byte in b"}]")
            if depth == 0:
                return index
        raise ValueError("JSON that does not end")

    def _object(self, path: Path) -> None:
        seen: set[bytes] = set()
        while self._byte() != b"}":
            if self._byte() == b",":
                self._next += 1
            start, end = self._tokens[self._next]
            key = self._raw[start:end]
            new = self._visit(path, key, True)
            if new is not None:
                # A key that stands twice would be refused.
                while new in seen:
                    new = b"%b'\"" % new[:-1]
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
