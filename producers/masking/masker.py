"""Masks by a policy; or by a masker of the user's own; or by one after the other."""

from __future__ import annotations

import hmac
import os
import re
import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final, Protocol

import orjson

from watchkeeper.producers.masking.detectors import detectors_of
from watchkeeper.producers.masking.json_walk import JsonWalk, Path, scalars_of
from watchkeeper.producers.masking.paths import Paths
from watchkeeper.producers.masking.scanning import Scanner, outside
from watchkeeper.schemas.contents import MediaType
from watchkeeper.schemas.errors import ConfigurationError
from watchkeeper.schemas.policy import Masking

KEY_VARIABLE: Final = "WATCHKEEPER_MASKING_KEY"
"""At least 32 characters. Equal values get equal pseudonyms in all processes that share it; without it, in one."""

MIN_KEY: Final = 32
PASSES: Final = 16
NESTING: Final = 8
"""JSON in a text in JSON: models hand over arguments as text."""

_TOKEN: Final = re.compile(rb"\[[a-z][a-z0-9_]{0,31}(?::[0-9a-f]{8})?\]'*")
_SECRET_KEYS: Final = re.compile(
    r"(?i)(?:.*[_.-])?(?:password|passwd|passphrase|secret|api[_-]?key|secret[_-]?key|private[_-]?key"
    r"|access[_-]?token|refresh[_-]?token|auth[_-]?token|session[_-]?token|client[_-]?secret|(?:proxy-)?authorization)"
)
_SECRET_NAMES: Final = re.compile(rb"(?i)passw|passphrase|secret|key|token|authorization")


@dataclass(frozen=True, slots=True)
class Masked:
    """A text without what had to be hidden.

    Attributes:
        text: what goes out.
        places: how many places were masked.
        kinds: how many of each kind, where the masker tells.
    """

    text: str
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
        self._constant = masking.replacement == "constant"
        self._key = key
        self._scanner = Scanner(detectors_of(masking))
        self._fields, self._exempt = Paths(masking.fields), Paths(masking.exempt)

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

    def _field(self, path: Path, raw: bytes, counts: dict[str, int]) -> bytes | None:
        if not self._fields.any or not path or not self._fields.match(path) or self._exempt.match(path):
            return None
        if raw in {b"", b"null", b'""'} or _TOKEN.fullmatch(raw.strip(b'"')):
            return None
        return self._token("field", raw, counts)

    def _text(self, raw: bytes, path: Path, counts: dict[str, int], depth: int) -> bytes:
        if self._exempt.any and self._exempt.match(path):
            return raw
        if depth < NESTING and raw.lstrip()[:1] in {b"{", b"["} and _is_json(raw):
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
        kept = [match.span() for match in _TOKEN.finditer(raw)]
        pieces, done = [], 0
        for start, end, kind in outside(self._scanner.find(raw), kept):
            pieces += [raw[done:start], self._token(kind, raw[start:end], counts)]
            done = end
        return b"".join([*pieces, raw[done:]])

    def _json(self, raw: bytes, path: Path, counts: dict[str, int], depth: int) -> bytes:
        plain = scalars_of(raw)
        by_name = self._secrets and _SECRET_NAMES.search(plain) is not None
        nested = b"{" in plain or b"[" in plain
        if not (self._fields.any or by_name or nested or self._scanner.occurs(plain)):
            return raw

        def visit(at: Path, scalar: bytes, is_key: bool) -> bytes | None:
            quoted = scalar[:1] == b'"'
            text = orjson.loads(scalar).encode() if quoted else scalar
            secret = by_name and not is_key and quoted and text and at and _SECRET_KEYS.fullmatch(at[-1])
            if secret and not _TOKEN.fullmatch(text) and not self._exempt.match(at):
                return orjson.dumps(self._token("secret", text, counts).decode())
            if not quoted and len(text) < 9:
                return None
            out = self._text(text, at, counts, NESTING if is_key else depth)
            return None if out == text else orjson.dumps(out.decode())

        def whole(at: Path, value: bytes) -> bytes | None:
            token = self._field(at, value, counts)
            return None if token is None else orjson.dumps(token.decode())

        return JsonWalk(raw, path, visit, whole if self._fields.any else None).run()

    def _token(self, kind: str, value: bytes, counts: dict[str, int]) -> bytes:
        counts[kind] = counts.get(kind, 0) + 1
        if self._constant:
            return b"[%b]" % kind.encode()
        plain = value.replace(b"\\u0040", b"@").replace(b"%40", b"@")
        digest = hmac.digest(self._key, kind.encode() + b"\0" + plain, "sha256")
        return b"[%b:%b]" % (kind.encode(), digest[:4].hex().encode())


class Then:
    """One masker after another; the counts add up."""

    def __init__(self, first: PolicyMasker, second: Masker) -> None:
        self._first, self._second = first, second

    def mask(self, text: str, media_type: MediaType) -> Masked:
        """See `Masker.mask`."""
        return self.mask_at(text, media_type, ())

    def mask_at(self, text: str, media_type: MediaType, path: Path) -> Masked:
        """See `PolicyMasker.mask_at`."""
        first = self._first.mask_at(text, media_type, path)
        second = self._second.mask(first.text, media_type)
        counts = dict(first.kinds)
        own = second.kinds or ({"own": second.places} if second.places else {})
        for kind, places in own.items():
            counts[kind] = counts.get(kind, 0) + places
        return Masked(second.text, first.places + second.places, counts)


def mask_with(masker: Masker, text: str, media_type: MediaType, path: Path) -> Masked:
    """By a policy's masker with the path; a masker of the user's own is not told of paths."""
    if isinstance(masker, PolicyMasker | Then):
        return masker.mask_at(text, media_type, path)
    return masker.mask(text, media_type)


def masker_for(masking: Masking, tenant_id: str, own: Masker | None = None, *, recorded: bool = False) -> Masker | None:
    """The masker of an agent: its policy's, then the user's own; None where neither masks.

    Args:
        masking: the policy's section.
        tenant_id: pseudonyms of one tenant tell nothing of another's.
        own: the user's.
        recorded: an import: constants in place of pseudonyms, as the same recording must give the same bytes.

    Raises:
        ConfigurationError: something that the policy asks for is not installed; or the key is too short.
    """
    if not (masking.kinds or masking.patterns or masking.fields):
        return own
    if recorded:
        masking = masking.model_copy(update={"replacement": "constant"})
    policy = PolicyMasker(masking, hmac.digest(_process_key(), tenant_id.encode(), "sha256"))
    return policy if own is None else Then(policy, own)


_PROCESS_KEY: Final = secrets.token_bytes(32)


def _process_key() -> bytes:
    given = os.environ.get(KEY_VARIABLE, "")
    if given and len(given) < MIN_KEY:
        raise ConfigurationError(
            f"{KEY_VARIABLE} is shorter than {MIN_KEY} characters: make one by openssl rand -hex 32"
        )
    return given.encode() or _PROCESS_KEY


def _is_json(raw: bytes) -> bool:
    try:
        orjson.loads(raw)
    except ValueError:
        return False
    return True
