"""Dead letters: where they stand, what they hold, and what to send so that they are read after all."""

from __future__ import annotations

import base64
import binascii
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from watchkeeper.cli import letter_queries
from watchkeeper.cli.exit_codes import NotFoundError
from watchkeeper.cli.store import ReadStore, Row
from watchkeeper.schemas.errors import PermanentError
from watchkeeper.schemas.rows import DeadLetterRow, EventColumns

PlaceKey = tuple[str, int, int, int]
_COLUMNS: Final = frozenset(EventColumns.model_fields)


@dataclass(frozen=True, slots=True, order=True)
class Place:
    """Where a dead letter came from; written `topic/partition/offset/line`, line -1 for a record as a whole."""

    topic: str
    partition: int
    offset: int
    line: int

    def __str__(self) -> str:
        return f"{self.topic}/{self.partition}/{self.offset}/{self.line}"

    @property
    def key(self) -> PlaceKey:
        """As ClickHouse compares it."""
        return (self.topic, self.partition, self.offset, self.line)

    @classmethod
    def of(cls, row: Row) -> Place:
        """The place of a row."""
        return cls(row["source_topic"], row["source_partition"], row["source_offset"], row["source_line"])

    @classmethod
    def parse(cls, text: str) -> Place:
        """The place that a text names.

        Raises:
            ValueError: it names none.
        """
        topic, partition, offset, line = text.rsplit("/", 3)
        place = cls(topic, int(partition), int(offset), int(line))
        if not topic or place.partition < 0 or place.offset < 0 or place.line < -1:
            raise ValueError(text)
        return place


@dataclass(frozen=True, slots=True)
class Letter:
    """A dead letter with its bytes.

    Attributes:
        key: the record's key; empty where it had none.
        raw: the bytes of the line, or of the record.
    """

    place: Place
    revision: int
    reason: str
    detail: str
    key: bytes
    raw: bytes
    received_at: datetime
    status: str

    @classmethod
    def of(cls, row: Row) -> Letter:
        """The letter of a row.

        Raises:
            PermanentError: the row's bytes are not in base64.
        """
        place = Place.of(row)
        try:
            key = base64.b64decode(row["key_base64"], validate=True)
            raw = base64.b64decode(row["raw_base64"], validate=True)
        except binascii.Error as error:
            raise PermanentError(f"the stored bytes of {place} are damaged: {error}") from error
        return cls(place, row["revision"], row["reason"], row["detail"], key, raw, row["received_at"], row["status"])

    def sent_again(self) -> bytes:
        """The row that says that an operator sent it again: the next revision of this one."""
        row = DeadLetterRow.model_construct(
            source_topic=self.place.topic,
            source_partition=self.place.partition,
            source_offset=self.place.offset,
            source_line=self.place.line,
            revision=self.revision + 1,
            # A reason that a later version named must not be lost here.
            reason=self.reason,  # type: ignore[arg-type]
            detail=self.detail,
            key_base64=base64.b64encode(self.key).decode(),
            raw_base64=base64.b64encode(self.raw).decode(),
            received_at=self.received_at,
            status="redriven",
        )
        return row.model_dump_json().encode()


def read_letters(store: ReadStore, places: list[Place]) -> list[Letter]:
    """The letters at these places, in the order of the places.

    Raises:
        NotFoundError: at one of them there is none.
    """
    rows = store.rows(letter_queries.DEAD_LETTERS, places=[place.key for place in places])
    found = {letter.place: letter for letter in map(Letter.of, rows)}
    missing = [place for place in places if place not in found]
    if missing:
        raise NotFoundError(f"there is no dead letter at {missing[0]}; `watchkeeper dead-letters list` names them")
    return [found[place] for place in places]


def hexdump(raw: bytes, most: int) -> list[str]:
    """Bytes as people read them: offset, sixteen bytes, and what is printable of them."""
    lines: list[str] = []
    for start in range(0, min(len(raw), most), 16):
        piece = raw[start : start + 16]
        left, right = piece[:8].hex(" "), piece[8:].hex(" ")
        shown = "".join(chr(byte) if 0x20 <= byte < 0x7F else "." for byte in piece)
        lines.append(f"{start:08x}  {left:<23}  {right:<23}  |{shown}|")
    return lines
