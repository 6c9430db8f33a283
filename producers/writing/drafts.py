"""The `data` of an event while it is written: JSON in the contract's order, with slots where texts belong.

A draft runs in the sender's thread. It masks, fits names and values into the contract, and leaves out what is empty.
Whether a text stands in its slot verbatim or by address alone is the writer's to decide (`writer`).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final, Literal, TypeAlias

import orjson

from watchkeeper.producers.losses import Losses
from watchkeeper.producers.masking.masker import Masker
from watchkeeper.producers.masking.maskers import id_with, kinds_of, mask_with
from watchkeeper.producers.masking.paths import Path
from watchkeeper.producers.writing import names
from watchkeeper.producers.writing.encoding import Exact, Frozen, freeze, refreeze, thaw
from watchkeeper.producers.writing.names import plain_text
from watchkeeper.producers.writing.numbers import finite, whole
from watchkeeper.producers.writing.shortening import shorten, too_deep
from watchkeeper.schemas.contents import MediaType
from watchkeeper.schemas.errors import WatchkeeperError

VALUE_LIMIT: Final = 64 * 1024
"""Bytes of one value that stands in the event itself."""

HEADER: Final = "*"
"""In paths: what belongs to all events and to none. Policies name it by `*`."""

MOST_ITEMS: Final = 200
"""Documents, rules, checked values and labels in one list."""


class MaskFailedError(WatchkeeperError):
    """The masker failed: the event must not leave the process."""


@dataclass(slots=True)
class Slot:
    """A text on its way out.

    Attributes:
        raw: its UTF-8 bytes, masked.
        salted: whether its address is salted by the writer; shared texts (tools, policies) are not.
        masked: how many places were masked.
    """

    raw: bytes
    media_type: MediaType
    salted: bool
    masked: int = 0


Chunk: TypeAlias = bytes | Slot
Shape: TypeAlias = Literal["any", "object", "array"]


class Filters:
    """What every text passes before it is written."""

    def __init__(self, masker: Masker | None, losses: Losses) -> None:
        self.masker = masker
        self.losses = losses
        self.counts: dict[str, int] = {}
        self._kind = ""

    def begin(self, kind: str) -> None:
        """From here on what is masked belongs to an event of this type."""
        self._kind = kind
        self.counts = {}

    def label(self, key: str, text: str, length: int) -> str:
        """A text that is no name, masked, and cut only then: half a secret is not known for one."""
        if self.masker is None or not text:
            return text[:length]
        return self._mask(text.encode(), "text/plain", (self._kind, key))[0].decode()[:length]

    def attributes(self, given: Mapping[str, Any]) -> Mapping[str, Any]:
        """The attributes of a header, masked; numbers of card size become texts where they must."""
        if self.masker is None or not given:
            return given
        kept = orjson.dumps(dict(given))
        masked = self._mask(kept, "application/json", (HEADER, "attributes"))[0]
        return given if masked == kept else orjson.loads(masked)

    def person(self, key: str, value: str) -> str:
        """An id of a header that names a person, as the policy wants it."""
        return value if self.masker is None else id_with(self.masker, value, (HEADER, key))

    def slot(self, key: str, value: Frozen, *, salted: bool, at: Path = ()) -> Slot:
        """A text, masked. JSON keeps its form, everything else is plain text.

        Args:
            key: its key in the event.
            value: the text.
            salted: whether its address is.
            at: its path for policies, where that is not the key.
        """
        json = isinstance(value, bytes)
        media: MediaType = "application/json" if json else "text/plain"
        raw = bytes(value) if isinstance(value, bytes) else plain_text(value).encode()
        # A policy is named by the hash of its text, which must stay what it was.
        if self.masker is None or (key == "content" and not salted):
            return Slot(raw, media, salted)
        raw, places = self._mask(raw, media, (self._kind, *(at or (key,))))
        return Slot(raw, media, salted, places)

    def json(self, path: Path, value: Frozen, limit: int, shape: Shape) -> bytes:
        """A JSON value, masked, of the shape that the contract asks for, and short enough to stand in an event."""
        raw = value if isinstance(value, bytes) else refreeze(value)
        if self.masker is not None:
            exact = type(raw) is Exact
            raw, _ = self._mask(raw, "application/json", (self._kind, *path))
            raw = Exact(raw) if exact else raw
        if (shape == "object" and raw[:1] != b"{") or (shape == "array" and raw[:1] != b"["):
            wrapped = b'{"value":%b}' % raw if shape == "object" else b"[%b]" % raw
            raw = Exact(wrapped) if type(raw) is Exact else wrapped
        if len(raw) > limit or too_deep(raw):
            self.losses.add("shortened")
            raw = shorten(raw, limit)
        return raw

    def _mask(self, raw: bytes, media: MediaType, path: Path) -> tuple[bytes, int]:
        assert self.masker is not None
        out, failed = raw, ""
        try:
            text = raw.decode()
            masked = mask_with(self.masker, text, media, path)
            if masked.text is not text:
                out = masked.text.encode()
                if media == "application/json":
                    orjson.loads(out)
        except Exception as error:  # noqa: BLE001 - whatever it raised, the event must not leave
            failed = type(error).__name__
        if failed:
            # Out here, where its error is no context of ours: the error may quote the text.
            raise MaskFailedError(f"the masker failed with {failed}")
        for kind, places in kinds_of(masked).items():
            self.counts[kind] = self.counts.get(kind, 0) + places
        return out, masked.places


class Draft:
    """One JSON object, written key by key. Keys must come in the order of their model."""

    def __init__(self, filters: Filters) -> None:
        self._filters = filters
        self._parts: list[Chunk] = []

    def nested(self) -> Draft:
        """A new draft for an object inside this one."""
        return Draft(self._filters)

    def listed(self, given: Frozen) -> list[Any]:
        """The first `MOST_ITEMS` of a list that the host gave; anything else is a list of one."""
        if given is None:
            return []
        value = thaw(given) if isinstance(given, bytes) else given
        items = value if isinstance(value, list) else [value]
        if len(items) > MOST_ITEMS:
            self._filters.losses.add("shortened")
        return items[:MOST_ITEMS]

    def chunks(self) -> list[Chunk]:
        """The object, closed."""
        return [b"{", *self._parts, b"}"]

    def raw(self, key: str, value: bytes) -> None:
        """JSON as it stands."""
        comma = b"," if self._parts else b""
        self._parts.append(b"%b%b:%b" % (comma, orjson.dumps(key), value))

    def word(self, key: str, value: Frozen, allowed: Iterable[str], default: str) -> None:
        """One of a closed set of words; anything else becomes the default."""
        given = plain_text(value)
        self.raw(key, b'"%b"' % (given if given in allowed else default).encode())

    def name(self, key: str, value: Frozen, fallback: str = "(unnamed)") -> None:
        """A name of 1 to 256 characters."""
        self.raw(key, orjson.dumps(names.name(value, fallback)))

    def label(self, key: str, value: Frozen, length: int = names.NAME_LENGTH) -> None:
        """A text of at most `length` characters, left out where empty."""
        if text := plain_text(value):
            self.raw(key, orjson.dumps(self._filters.label(key, text, length)))

    def always(self, key: str, value: Frozen) -> None:
        """A text of at most 256 characters that the contract asks for, empty or not."""
        self.raw(key, orjson.dumps(names.label(value)))

    def told(self, key: str, value: Frozen) -> None:
        """A label that the contract asks for, empty or not."""
        self.raw(key, orjson.dumps(self._filters.label(key, plain_text(value), names.NAME_LENGTH)))

    def labels(self, key: str, value: Frozen) -> None:
        """A list of labels; None is left out, an empty list is not: it may mean "nobody"."""
        if value is not None:
            given = [plain_text(freeze(item)) for item in self.listed(value)]
            self.raw(key, orjson.dumps([self._filters.label(key, item, names.NAME_LENGTH) for item in given]))

    def flag(self, key: str, value: Frozen) -> None:
        """True or false; None is left out."""
        if value is not None:
            self.raw(key, b"true" if value else b"false")

    def count(self, key: str, value: Frozen) -> None:
        """A whole number from 0; what is none is left out."""
        number = whole(value)
        if number is not None:
            self.raw(key, b"%d" % number)

    def number(self, key: str, value: Frozen, least: float | None = None) -> None:
        """A finite number, at least `least`; what is none is left out."""
        number = finite(value)
        if number is not None and (least is None or number >= least):
            self.raw(key, orjson.dumps(number))

    def moment(self, key: str, value: Frozen) -> None:
        """A time; what is none is left out."""
        if value is not None and (spelled := names.moment(value)) is not None:
            self.raw(key, b'"%b"' % spelled.encode())

    def value(self, key: str, value: Frozen, *, limit: int = VALUE_LIMIT, shape: Shape = "any", at: Path = ()) -> None:
        """A JSON value that stands in the event itself; None is left out. Policies know it by `at`, or by its key."""
        if value is not None:
            self.raw(key, self._filters.json(at or (key,), value, limit, shape))

    def required(self, key: str, value: Frozen, *, limit: int = VALUE_LIMIT, at: Path = ()) -> None:
        """A JSON value that the contract asks for: None is written as null."""
        self.raw(key, self._filters.json(at or (key,), value, limit, "any"))

    def text(self, key: str, value: Frozen, *, salted: bool = True, at: Path = ()) -> None:
        """A text by address; None is left out. Policies know it by `at`, or by its key."""
        if value is not None:
            self.raw(key, b"")
            self._parts.append(self._filters.slot(key, value, salted=salted, at=at))

    def object(self, key: str, draft: Draft) -> None:
        """An object inside this one."""
        self.raw(key, b"")
        self._parts.extend(draft.chunks())

    def objects(self, key: str, drafts: Iterable[Draft]) -> None:
        """A list of objects."""
        self.raw(key, b"[")
        for index, draft in enumerate(drafts):
            if index:
                self._parts.append(b",")
            self._parts.extend(draft.chunks())
        self._parts.append(b"]")
