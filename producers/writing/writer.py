"""One writer's side of the stream: numbers its texts, hashes and chains its events, writes their lines.

Runs in the sender's thread alone. Short texts stand in the event that uses them first; later events of the writer
carry the address. Long texts travel before their event, in `content` events.

Those `content` events are numbered by a writer of their own, `<writer>/c`, which shares the writer's salt. The
alternative, taking numbers for them from the writer itself, fails twice: numbers are given in the host's thread, and
how many parts a text needs is known only after masking, and whether it has to be sent at all only from what was
acknowledged, both in the sender's thread. This way the host's thread pays nothing, `seq` stays gapless, and a part
that is lost shows as a gap of `<writer>/c`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

import orjson

from watchkeeper.producers.settings import KIB, MAX_RECORD_BYTES
from watchkeeper.producers.writing.drafts import Chunk, Draft, Filters, Slot
from watchkeeper.producers.writing.headers import cut_attributes
from watchkeeper.producers.writing.shapes import SHAPES
from watchkeeper.schemas.contents import INLINE_LIMIT, MAX_PARTS, PART_LIMIT, address_of
from watchkeeper.schemas.errors import WatchkeeperError
from watchkeeper.schemas.wire import chain_link, data_digest

if TYPE_CHECKING:
    from watchkeeper.producers.identity import Identity
    from watchkeeper.producers.losses import LossReason
    from watchkeeper.producers.writing.headers import Header
    from watchkeeper.producers.writing.hostqueue import Item

MAX_LINE: Final = MAX_RECORD_BYTES - KIB
INLINE_JSON_LIMIT: Final = 512 * KIB
"""What the inline texts of one event take in JSON: escapes make control characters six times as long."""

PART_JSON_LIMIT: Final = 640 * KIB
SMALL_PART: Final = PART_LIMIT // 6
MAX_ADDRESSES: Final = 20_000
"""Addresses remembered per writer. Beyond it the oldest is forgotten, and its text is sent again when used."""


class TooLargeError(WatchkeeperError):
    """An event cannot be brought under the size of a record."""


@dataclass(slots=True)
class Written:
    """Lines that belong to one event of the host.

    Attributes:
        lines: parts of long texts first, the event last.
        addresses: what the lines carry for the first time.
    """

    lines: list[bytes]
    addresses: list[str]


@dataclass(slots=True)
class _Composed:
    """The bytes of `data`, with what they carry inline and what has to go before them."""

    data: bytes
    inline: list[str] = field(default_factory=list)
    long: dict[str, Slot] = field(default_factory=dict)


class Chain:
    """The running hash of one writer's events.

    Attributes:
        writer_json: the writer's id as JSON.
    """

    def __init__(self, writer_id: str, salt: str) -> None:
        self.writer_id = writer_id
        self.writer_json = orjson.dumps(writer_id)
        self._salt = salt
        self._value = ""

    def line(self, header: bytes, data: bytes) -> bytes:
        """The line of the writer's next event; its first one tells the salt."""
        digest = data_digest(data, self._salt)
        salt = b"" if self._value else b',"writer_salt":"%b"' % self._salt.encode()
        self._value = chain_link(self._value, header, digest)
        return b'%b%b,"data_digest":"%b","chain":"%b","data":%b}' % (
            header[:-1],
            salt,
            digest.encode(),
            self._value.encode(),
            data,
        )


class Writer:
    """Writes the lines of one writer. Its numbers are given in the host's thread (`hostqueue`)."""

    def __init__(self, identity: Identity, filters: Filters) -> None:
        self._identity = identity
        self._filters = filters
        self._chain = Chain(identity.writer_id, identity.salt)
        self._parts_chain = Chain(f"{identity.writer_id}/c", identity.salt)
        self._parts_seq = 0
        self._sent: dict[str, None] = {}
        self._given: Header | None = None
        self._masked: Header | None = None

    def write(self, item: Item, lost: Mapping[LossReason, int]) -> Written:
        """The lines of one event.

        Args:
            item: the event, as it left the host's thread.
            lost: events of the session lost so far, by reason.

        Raises:
            MaskFailedError: the masker failed; nothing was written.
            TooLargeError: the event does not fit a record even with all its texts by address.
        """
        self._filters.begin(item.kind)
        draft = Draft(self._filters)
        SHAPES[item.kind](draft, item.fields)
        chunks = draft.chunks()
        composed = self._compose(chunks, INLINE_LIMIT)
        if len(composed.data) > MAX_LINE - _HEADER_ROOM:
            composed = self._compose(chunks, 0)
        event_id = self._identity.event_id(self._chain.writer_id, item.seq, item.occurred_us)
        header = self._header(item).encode(
            item.kind,
            event_id,
            writer=self._chain.writer_json,
            seq=item.seq,
            occurred_us=item.occurred_us,
            lost=lost,
            masked=self._filters.counts,
        )
        if len(header) + len(composed.data) > MAX_LINE - _HASH_ROOM:
            raise TooLargeError(f"a {item.kind} event takes {len(composed.data)} bytes without its texts")
        lines = [line for address, slot in composed.long.items() for line in self._parts(item, address, slot)]
        lines.append(self._chain.line(header, composed.data))
        addresses = [*composed.long, *composed.inline]
        self._remember(addresses)
        return Written(lines, addresses)

    def forget(self, addresses: Iterable[str]) -> None:
        """A record was lost with these texts: they are sent again when they are used again."""
        for address in addresses:
            self._sent.pop(address, None)

    def _header(self, item: Item) -> Header:
        # Masked once for all events under it.
        if item.header is not self._given:
            given = item.header
            attributes = cut_attributes(self._filters.attributes(given.attributes))
            user, customer = (self._filters.person(key, getattr(given, key)) for key in ("user_id", "customer_id"))
            same = attributes is given.attributes and (user, customer) == (given.user_id, given.customer_id)
            self._masked = given if same else given.with_(attributes=attributes, user_id=user, customer_id=customer)
            self._given = item.header
        assert self._masked is not None
        return self._masked

    def _remember(self, addresses: Iterable[str]) -> None:
        self._sent.update(dict.fromkeys(addresses))
        while len(self._sent) > MAX_ADDRESSES:
            del self._sent[next(iter(self._sent))]

    def _compose(self, chunks: list[Chunk], room: int) -> _Composed:
        composed = _Composed(b"")
        pieces: list[bytes] = []
        json_room = INLINE_JSON_LIMIT if room else 0
        here: set[str] = set()
        for chunk in chunks:
            if isinstance(chunk, bytes):
                pieces.append(chunk)
                continue
            address = address_of(chunk.raw, self._identity.salt if chunk.salted else None)
            text: bytes | None = None
            if address not in self._sent and address not in here:
                here.add(address)
                if len(chunk.raw) <= room:
                    text = orjson.dumps(chunk.raw.decode())
                if text is not None and len(text) <= json_room:
                    room -= len(chunk.raw)
                    json_room -= len(text)
                    composed.inline.append(address)
                else:
                    text = None
                    composed.long[address] = chunk
            pieces.append(_content(address, chunk, text))
        composed.data = b"".join(pieces)
        return composed

    def _parts(self, item: Item, address: str, slot: Slot) -> Iterable[bytes]:
        pieces = split_text(slot.raw)
        for index, piece in enumerate(pieces):
            data: dict[str, Any] = {"address": address, "part": index, "parts": len(pieces), "size": len(slot.raw)}
            if slot.media_type != "text/plain":
                data["media_type"] = slot.media_type
            data["text"] = piece
            event_id = self._identity.event_id(self._parts_chain.writer_id, self._parts_seq, item.occurred_us)
            header = self._header(item).encode(
                "content",
                event_id,
                writer=self._parts_chain.writer_json,
                seq=self._parts_seq,
                occurred_us=item.occurred_us,
                lost={},
            )
            self._parts_seq += 1
            yield self._parts_chain.line(header, orjson.dumps(data))


_HASH_ROOM: Final = 512
_HEADER_ROOM: Final = 64 * KIB


def _content(address: str, slot: Slot, text: bytes | None) -> bytes:
    media = b"" if slot.media_type == "text/plain" else b',"media_type":"application/json"'
    inline = b"" if text is None else b',"text":' + text
    masked = b',"masked":%d' % slot.masked if slot.masked else b""
    return b'{"address":"%b","size":%d%b%b%b}' % (address.encode(), len(slot.raw), media, inline, masked)


def split_text(raw: bytes) -> list[str]:
    """Cuts UTF-8 at character boundaries into parts of at most `PART_LIMIT` bytes, smaller where escapes swell them.

    Raises:
        TooLargeError: more than `MAX_PARTS` parts.
    """
    for limit in (PART_LIMIT, SMALL_PART):
        pieces = _cut(raw, limit)
        if all(len(orjson.dumps(piece)) <= PART_JSON_LIMIT for piece in pieces):
            break
    if len(pieces) > MAX_PARTS:
        raise TooLargeError(f"a text of {len(raw)} bytes takes {len(pieces)} parts")
    return pieces


def _cut(raw: bytes, limit: int) -> list[str]:
    pieces: list[str] = []
    start = 0
    while start < len(raw) or not pieces:
        end = min(start + limit, len(raw))
        # A byte 10xxxxxx goes on with the character before it.
        while end < len(raw) and raw[end] & 0xC0 == 0x80:
            end -= 1
        pieces.append(raw[start:end].decode())
        start = end
    return pieces
