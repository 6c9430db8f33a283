"""Masking without a shortcut: every JSON text is parsed, every scalar scanned. What the quick way is compared with."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

import orjson

from watchkeeper.producers.masking.detectors import detectors_of
from watchkeeper.producers.masking.paths import Path, Paths
from watchkeeper.producers.masking.scanning import Scanner, outside
from watchkeeper.producers.masking.screening import NESTING, SECRET_KEY
from watchkeeper.producers.masking.tokens import TOKEN, Pseudonyms, numbered
from watchkeeper.schemas.policy import Masking

_TOKEN: Final = re.compile(rb'"[^"\\]*(?:\\.[^"\\]*)*"|[{}\[\],:]|[^\s{}\[\],:"]+', re.DOTALL)


class SlowMasker:
    """One text after another; `counts` tells of the last."""

    def __init__(self, masking: Masking, key: bytes) -> None:
        self._secrets = "secret" in masking.kinds
        self._scanner = Scanner(detectors_of(masking))
        self._fields, self._exempt = Paths(masking.fields), Paths(masking.exempt)
        self._pseudonyms = Pseudonyms(key, constant=masking.replacement == "constant")
        self.counts: dict[str, int] = {}

    def mask(self, text: str, media_type: str, path: Path = ()) -> str:
        self.counts = {}
        raw = text.encode()
        if media_type == "application/json":
            return self._json(raw, path, 0).decode()
        return (self._field(raw, path) or self._text(raw, path, 0)).decode()

    def _field(self, raw: bytes, path: Path) -> bytes | None:
        if not path or not self._fields.match(path) or self._exempt.match(path):
            return None
        if raw in {b"", b"null", b'""'} or TOKEN.fullmatch(raw.strip(b'"')):
            return None
        return self._pseudonyms.token("field", raw, self.counts)

    def _text(self, raw: bytes, path: Path, depth: int) -> bytes:
        if self._exempt.match(path):
            return raw
        if depth < NESTING and raw.lstrip()[:1] in {b"{", b"["} and is_json(raw):
            return self._json(raw, path, depth + 1)
        while (masked := self._once(raw)) != raw:
            raw = masked
        return raw

    def _once(self, raw: bytes) -> bytes:
        kept = [match.span() for match in TOKEN.finditer(raw)]
        out, done = b"", 0
        for start, end, kind in outside(self._scanner.find(raw), kept):
            out += raw[done:start] + self._pseudonyms.token(kind, raw[start:end], self.counts)
            done = end
        return out + raw[done:]

    def _json(self, raw: bytes, path: Path, depth: int) -> bytes:
        pieces, done = [], 0
        for start, end, new in _Reading(self, raw, depth).value(path):
            pieces += [raw[done:start], new]
            done = end
        return b"".join([*pieces, raw[done:]])

    def scalar(self, scalar: bytes, at: Path, depth: int) -> bytes | None:
        text = orjson.loads(scalar).encode() if scalar[:1] == b'"' else scalar
        named = self._secrets and scalar[:1] == b'"' and text and at and SECRET_KEY.fullmatch(at[-1])
        if named and not TOKEN.fullmatch(text) and not self._exempt.match(at):
            return orjson.dumps(self._pseudonyms.token("secret", text, self.counts).decode())
        if scalar[:1] != b'"' and len(scalar) < 9:
            return None
        out = self._text(text, at, depth)
        return None if out == text else orjson.dumps(out.decode())

    def key(self, key: str, at: Path) -> str:
        return self._text(key.encode(), at, NESTING).decode()

    def whole(self, value: bytes, at: Path) -> bytes | None:
        token = self._field(value, at)
        return None if token is None else orjson.dumps(token.decode())


Places = Iterator[tuple[int, int, bytes]]
"""Start, end and replacement of each place, in order."""


class _Reading:
    """Of one JSON text, token by token."""

    def __init__(self, masker: SlowMasker, raw: bytes, depth: int) -> None:
        self._masker, self._raw, self._depth = masker, raw, depth
        self._tokens = [match.span() for match in _TOKEN.finditer(raw)]
        self._place = 0

    def _byte(self) -> int:
        return self._raw[self._tokens[self._place][0]]

    def _behind(self) -> int:
        """The token behind the value that begins here."""
        place, nested = self._place, 0
        while True:
            byte = self._raw[self._tokens[place][0]]
            nested += (byte in b"{[") - (byte in b"}]")
            place += 1
            if not nested:
                return place

    def value(self, at: Path) -> Places:
        start, behind, byte = self._tokens[self._place][0], self._behind(), self._byte()
        end = self._tokens[behind - 1][1]
        new = self._masker.whole(self._raw[start:end], at)
        if new is None and byte not in b"{[":
            new = self._masker.scalar(self._raw[start:end], at, self._depth)
        self._place += 1
        if new is not None:
            yield start, end, new
        elif byte == 0x7B:
            yield from self._members(at)
        elif byte == 0x5B:
            while self._byte() != 0x5D:
                yield from self.value(at)
                self._place += self._byte() == 0x2C
        self._place = behind

    def _members(self, at: Path) -> Places:
        seen: set[bytes] = set()
        while self._byte() != 0x7D:
            start, end = self._tokens[self._place]
            new = self._raw[start:end]
            key = orjson.loads(new)
            if (out := self._masker.key(key, at)) != key:
                names = (orjson.dumps(out + numbered(times).decode()) for times in range(10**9))
                new = next(name for name in names if name not in seen)
                yield start, end, new
            seen.add(new)
            self._place += 2
            yield from self.value((*at, key))
            self._place += self._byte() == 0x2C


def is_json(raw: bytes) -> bool:
    try:
        orjson.loads(raw)
    except ValueError:
        return False
    return True
