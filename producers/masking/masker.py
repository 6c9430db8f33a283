"""Masks by the `masking` section of one policy."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Final, Protocol

import orjson

from watchkeeper.producers.masking.detectors import detectors_of
from watchkeeper.producers.masking.json_text import nested_in, scalars_in, touched_in
from watchkeeper.producers.masking.json_walk import JsonWalk, splice
from watchkeeper.producers.masking.paths import Path, Paths
from watchkeeper.producers.masking.scanning import Scanner, outside
from watchkeeper.producers.masking.screening import NESTING, SECRET_KEY, Screen, Stir
from watchkeeper.producers.masking.tokens import LONG, TOKEN, Pseudonyms
from watchkeeper.schemas.contents import MediaType
from watchkeeper.schemas.policy import Masking

PASSES: Final = 16

_OPENS: Final = re.compile(rb"\s*[{\[]")


@dataclass(frozen=True, slots=True)
class Masked:
    """A text without what had to be hidden.

    Attributes:
        text: what goes out. It is in no `repr`: a masker may fail to find what is in it.
        places: how many places were masked.
        kinds: how many of each kind, where the masker tells.
    """

    text: str = field(repr=False)
    places: int = 0
    kinds: Mapping[str, int] = field(default_factory=dict)


class Masker(Protocol):
    """Hides secrets and personal data. It is called in the sender's thread, one text at a time.

    A masker that raises, or answers `application/json` with what is no JSON, loses the event under `mask_failed`:
    nothing is ever sent unmasked.
    """

    def mask(self, text: str, media_type: MediaType) -> Masked:
        """The text as it may leave the process."""


class PolicyMasker:
    """Masks by the `masking` section of a policy. It says nothing of what it found but how many of each kind."""

    def __init__(self, masking: Masking, key: bytes) -> None:
        self._secrets = "secret" in masking.kinds
        self._scanner = Scanner(detectors_of(masking))
        self._fields, self._exempt = Paths(masking.fields), Paths(masking.exempt)
        own = [pattern.regex.encode() for pattern in masking.patterns]
        self._screen = Screen(self._scanner.patterns, own, self._fields, secrets=self._secrets)
        self._pseudonyms = Pseudonyms(key, constant=masking.replacement == "constant")

    def __repr__(self) -> str:
        return "PolicyMasker()"

    def mask(self, text: str, media_type: MediaType) -> Masked:
        """See `Masker.mask`."""
        return self.mask_at(text, media_type, ())

    def mask_at(self, text: str, media_type: MediaType, path: Path) -> Masked:
        """Masks a text that stands at this path of an event, `("tool_call", "arguments")` for example."""
        counts: dict[str, int] = {}
        raw = text.encode()
        if media_type == "application/json":
            out = self._json(raw, path, counts, 0)
        else:
            out = self._field(path, raw, counts) or self._text(raw, path, counts, 0)
        return Masked(out.decode() if counts else text, sum(counts.values()), counts)

    def mask_id(self, value: str, path: Path) -> str:
        """An id of a person where the policy names it: a pseudonym; or nothing, as constants would make all one."""
        if not value or not self._fields.match(path) or self._exempt.match(path) or TOKEN.fullmatch(value.encode()):
            return value
        return "" if self._pseudonyms.constant else self._pseudonyms.token("field", value.encode(), {}, LONG).decode()

    def _field(self, path: Path, raw: bytes, counts: dict[str, int]) -> bytes | None:
        if not self._fields.any or not path or not self._fields.match(path) or self._exempt.match(path):
            return None
        if raw in {b"", b"null", b'""'} or TOKEN.fullmatch(raw.strip(b'"')):
            return None
        return self._pseudonyms.token("field", raw, counts)

    def _text(self, raw: bytes, path: Path, counts: dict[str, int], depth: int) -> bytes:
        if self._exempt.any and self._exempt.match(path):
            return raw
        if depth < NESTING and _OPENS.match(raw):
            # Whether it is JSON need not be known where nothing is found either way.
            stir = self._screen.stir(raw, path, depth + 1)
            if stir is Stir.NOTHING and (b"\\" not in raw or not self._scanner.occurs(raw)):
                return raw
            if _is_json(raw):
                return self._json(raw, path, counts, depth + 1)
        # Until nothing is left: what stood beside a value may be one by itself once the value is gone.
        for _ in range(PASSES):
            masked = self._once(raw, counts) if self._scanner.occurs(raw) else raw
            if masked == raw:
                return raw
            raw = masked
        # Without the text: it would be in a traceback. The event is lost as `mask_failed`.
        raise ValueError("an expression of masking.patterns matches what it was replaced by")

    def _once(self, raw: bytes, counts: dict[str, int]) -> bytes:
        kept = [match.span() for match in TOKEN.finditer(raw)]
        pieces, done = [], 0
        for start, end, kind in outside(self._scanner.find(raw), kept):
            pieces += [raw[done:start], self._pseudonyms.token(kind, raw[start:end], counts)]
            done = end
        return b"".join([*pieces, raw[done:]])

    def _json(self, raw: bytes, path: Path, counts: dict[str, int], depth: int) -> bytes:
        stir = self._screen.stir(raw, path, depth)
        if stir is Stir.NOTHING:
            return raw
        spans = self._spans(raw, nesting=depth < NESTING)
        if stir is Stir.TEXTS and not (self._fields.any or self._exempt.any):
            spliced = splice(raw, spans, lambda scalar: self._scalar(scalar, (), counts, depth))
            if spliced is not None:
                return spliced
        return self._walked(raw, path, counts, depth, {start for start, _ in spans})

    def _spans(self, raw: bytes, *, nesting: bool) -> list[tuple[int, int]]:
        """Where the scalars are that have to be looked at by themselves."""
        if self._screen.edges:
            return scalars_in(raw)
        touched = touched_in(raw, self._scanner.places)
        return sorted({*touched, *nested_in(raw)}) if nesting else touched

    def _walked(self, raw: bytes, path: Path, counts: dict[str, int], depth: int, touched: set[int]) -> bytes:
        def visit(at: Path, scalar: bytes, is_key: bool, start: int) -> bytes | None:
            if not is_key and (token := self._by_name(at, scalar, counts)) is not None:
                return orjson.dumps(token.decode())
            return self._scalar(scalar, at, counts, NESTING if is_key else depth) if start in touched else None

        def whole(at: Path, start: int, end: int) -> bytes | None:
            token = self._field(at, raw[start:end], counts) if self._fields.match(at) else None
            return None if token is None else orjson.dumps(token.decode())

        return JsonWalk(raw, path, visit, whole if self._fields.any else None).run()

    def _by_name(self, at: Path, scalar: bytes, counts: dict[str, int]) -> bytes | None:
        if not self._secrets or not at or scalar[:1] != b'"' or not _is_secret(at[-1]):
            return None
        text = orjson.loads(scalar).encode()
        if not text or TOKEN.fullmatch(text) or self._exempt.match(at):
            return None
        return self._pseudonyms.token("secret", text, counts)

    def _scalar(self, scalar: bytes, at: Path, counts: dict[str, int], depth: int) -> bytes | None:
        text = orjson.loads(scalar).encode() if scalar[:1] == b'"' else scalar
        out = self._text(text, at, counts, depth)
        return None if out == text else orjson.dumps(out.decode())


def _is_json(raw: bytes) -> bool:
    try:
        orjson.loads(raw)
    except ValueError:
        return False
    return True


@lru_cache(4096)
def _is_secret(name: str) -> bool:
    return SECRET_KEY.fullmatch(name) is not None
