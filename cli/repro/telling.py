"""Tells a choice of events as a recorder would have told it: numbered without gaps, each text where it is first used.

Events left out would leave gaps in the numbers of their writers, which are findings of their own; and texts travel
with the first event of a writer that uses them, which may be left out while a later one is kept.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Final

import orjson
from pydantic import ValidationError

from watchkeeper.schemas.contents import address_of
from watchkeeper.schemas.events import EVENT_ADAPTER, Event

_MAX_PARSED: Final = 50_000


@dataclass(frozen=True, slots=True, eq=False)
class Piece:
    """One stored event.

    Attributes:
        document: the event as JSON, its texts included where they are known.
        arrived_us: when it arrived, by the broker's clock.
        cost_usd: what it cost; None where there was nothing to price, or no price.
    """

    document: dict[str, Any]
    arrived_us: int
    cost_usd: float | None = None

    @property
    def session(self) -> str:
        """The session's id."""
        return str(self.document["session_id"])

    @property
    def writer(self) -> tuple[str, str]:
        """Session and writer."""
        return self.session, str(self.document["writer_id"])


class Teller:
    """Tells choices of the pieces of one case.

    Args:
        pieces: all of them, in the order in which they were read.
        renumber: whether events that are left out leave no gaps.

    Attributes:
        texts: replaces texts, by the address under which they are stored.
    """

    def __init__(self, pieces: Sequence[Piece], *, renumber: bool = True) -> None:
        self._renumber = renumber
        self._salts = {piece.writer: salt for piece in pieces if (salt := piece.document.get("writer_salt"))}
        self._known = _texts(pieces)
        self._parsed: dict[bytes, Event] = {}
        self.texts: dict[str, str] = {}

    def tell(self, pieces: Sequence[Piece]) -> list[dict[str, Any]]:
        """The documents of a choice, ready to be judged."""
        numbers: dict[tuple[str, str], int] = {}
        sent: set[tuple[tuple[str, str], str]] = set()
        return [self._told(piece, numbers, sent) for piece in pieces]

    def events(self, pieces: Sequence[Piece]) -> list[Event] | None:
        """The events of a choice; None where a text that was replaced leaves one that the contract does not take."""
        try:
            return [self._event(document) for document in self.tell(pieces)]
        except ValidationError:
            return None

    def addresses(self, pieces: Sequence[Piece]) -> list[str]:
        """The personal texts that a choice uses, by the address under which they are stored."""
        used = (content["address"] for piece in pieces for content in contents_in(piece.document["data"]))
        return [address for address in dict.fromkeys(used) if address.startswith("s-") and address in self._known]

    def text(self, address: str) -> str:
        """A text as it is stored."""
        return self._known[address]

    def _event(self, document: dict[str, Any]) -> Event:
        raw = orjson.dumps(document)
        event = self._parsed.get(raw)
        if event is None:
            if len(self._parsed) >= _MAX_PARSED:
                self._parsed.clear()
            event = self._parsed[raw] = EVENT_ADAPTER.validate_json(raw)
        return event

    def _told(
        self, piece: Piece, numbers: dict[tuple[str, str], int], sent: set[tuple[tuple[str, str], str]]
    ) -> dict[str, Any]:
        writer, told = piece.writer, dict(piece.document)
        number = numbers[writer] = numbers.get(writer, -1) + 1
        if self._renumber:
            told["seq"] = number
        if number == 0 and writer in self._salts:
            told["writer_salt"] = self._salts[writer]
        elif number:
            told.pop("writer_salt", None)
        told["data"] = self._carried(piece.document["data"], writer, sent)
        return told

    def _carried(self, value: Any, writer: tuple[str, str], sent: set[tuple[tuple[str, str], str]]) -> Any:
        if isinstance(value, list):
            return [self._carried(item, writer, sent) for item in value]
        if not isinstance(value, dict):
            return value
        if not is_content(value):
            return {name: self._carried(item, writer, sent) for name, item in value.items()}
        address = value["address"]
        text = self.texts.get(address, self._known.get(address))
        if text is None:
            return value
        if address in self.texts:
            size = len(text.encode())
            value = {**value, "address": address_of(text, self._salts.get(writer)), "size": size, "masked": 0}
        first = (writer, address) not in sent
        sent.add((writer, address))
        return {**value, "text": text if first else None}


def is_content(value: dict[str, Any]) -> bool:
    """Whether a value of an event's data is a text by address; a part of a long text is none."""
    return isinstance(value.get("address"), str) and "size" in value and "part" not in value


def contents_in(value: Any) -> Iterator[dict[str, Any]]:
    """Every text by address in an event's data."""
    if isinstance(value, list):
        for item in value:
            yield from contents_in(item)
    elif isinstance(value, dict):
        if is_content(value):
            yield value
            return
        for item in value.values():
            yield from contents_in(item)


def _texts(pieces: Sequence[Piece]) -> dict[str, str]:
    inline = (content for piece in pieces for content in contents_in(piece.document["data"]))
    return {content["address"]: content["text"] for content in inline if content.get("text") is not None}
