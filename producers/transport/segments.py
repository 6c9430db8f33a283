"""The files of a spool: records one after another, each with its length, its checksum, and whether it has arrived.

| bytes | what |
|---|---|
| 4 | `WKS1` |
| 1 | `W` waits, `D` is done: the one byte that is written over; it is outside the checksum |
| 4 | length of the payload |
| 4 | CRC-32 of the payload |
| … | payload: topic, key, headers and the number of events as one line of JSON, then the record's value |

A file that ends in the middle of a record was being written when its process died; that is no damage. Anything else
that does not fit is: what is whole behind it is found again by the next mark.
"""

from __future__ import annotations

import contextlib
import errno
import os
import struct
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import orjson

from watchkeeper.producers.transport import Record

MARK: Final = b"WKS1"
_HEAD: Final = struct.Struct(">4sBII")
HEAD_BYTES: Final = _HEAD.size
WAITS: Final = ord("W")
DONE: Final = ord("D")
_STATE_AT: Final = len(MARK)
_PRIVATE: Final = 0o600


@dataclass(frozen=True, slots=True)
class Found:
    """A whole record that waits in a file.

    Attributes:
        offset: where it begins.
        size: its bytes in the file.
        events: how many events it holds.
        key: the record's key.
    """

    offset: int
    size: int
    events: int
    key: bytes


class Segment:
    """One file, open for as long as something in it waits.

    Attributes:
        size: bytes written.
        waiting: records in it that have not arrived.
        damaged: whether a scan found what does not fit.
    """

    def __init__(self, path: Path, *, fresh: bool) -> None:
        """Opens the file.

        Raises:
            OSError: the directory is gone, read-only or full.
        """
        flags = os.O_RDWR | os.O_CLOEXEC | (os.O_CREAT | os.O_EXCL if fresh else 0)
        self.path = path
        self.size = 0
        self.waiting = 0
        self.damaged = False
        self._file = os.open(path, flags, _PRIVATE)

    def append(self, record: Record) -> tuple[int, int]:
        """Writes a record; answers where it stands and how many bytes it takes.

        Raises:
            OSError: it could not be written whole; the file is as before, or ends in a torn record.
        """
        if os.fstat(self._file).st_nlink == 0:
            raise FileNotFoundError(f"{self.path.name} was removed")
        blob = _encode(record)
        try:
            self._write(blob)
        except OSError:
            with contextlib.suppress(OSError):
                os.ftruncate(self._file, self.size)
            raise
        offset = self.size
        self.size += len(blob)
        self.waiting += 1
        return offset, len(blob)

    def _write(self, blob: bytes) -> None:
        """Writes all of it: where only a part found room, the next attempt tells what the system's reason is."""
        written = 0
        while written < len(blob):
            part = os.pwrite(self._file, blob[written:], self.size + written)
            if part == 0:
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
            written += part

    def read(self, offset: int, size: int) -> Record | None:
        """The record that stands there; None where it is not whole any more."""
        try:
            blob = os.pread(self._file, size, offset)
        except OSError:
            return None
        return _decode(blob)

    def done(self, offset: int) -> None:
        """Marks a record as arrived, or as given up: no later process sends it.

        Raises:
            OSError: the mark could not be written; a later process may send the record again.
        """
        self.waiting -= 1
        os.pwrite(self._file, bytes([DONE]), offset + _STATE_AT)

    def empty(self) -> None:
        """Begins anew: nothing in it waits.

        Raises:
            OSError: it cannot be cut.
        """
        os.ftruncate(self._file, 0)
        self.size = 0

    def scan(self) -> list[Found]:
        """What waits in a file that another process left."""
        raw = os.pread(self._file, os.fstat(self._file).st_size, 0)
        self.size = len(raw)
        found = list(self._whole(raw))
        self.waiting = len(found)
        return found

    def _whole(self, raw: bytes) -> Iterator[Found]:
        at = 0
        while at < len(raw):
            if len(raw) - at < HEAD_BYTES and MARK.startswith(raw[at : at + len(MARK)]):
                return
            mark, state, length, checksum = (
                _HEAD.unpack_from(raw, at) if len(raw) - at >= HEAD_BYTES else (b"", 0, 0, 0)
            )
            end = at + HEAD_BYTES + length
            payload = raw[at + HEAD_BYTES : end]
            if mark == MARK and end <= len(raw) and zlib.crc32(payload) == checksum:
                if state != DONE:
                    meta = orjson.loads(payload[: payload.index(b"\n")])
                    yield Found(at, end - at, meta["events"], meta["key"].encode())
                at = end
                continue
            following = raw.find(MARK, at + 1)
            if mark == MARK and end > len(raw) and following < 0:
                return
            self.damaged = True
            if following < 0:
                return
            at = following

    def close(self) -> None:
        """Closes the file and leaves it where it is."""
        if self._file >= 0:
            os.close(self._file)
            self._file = -1


def _encode(record: Record) -> bytes:
    meta = {
        "topic": record.topic,
        "key": record.key.decode(),
        "events": record.events,
        "headers": [[name, value.decode("latin-1")] for name, value in record.headers],
    }
    payload = orjson.dumps(meta) + b"\n" + record.value
    return _HEAD.pack(MARK, WAITS, len(payload), zlib.crc32(payload)) + payload


def _decode(blob: bytes) -> Record | None:
    if len(blob) < HEAD_BYTES:
        return None
    mark, _, length, checksum = _HEAD.unpack_from(blob)
    payload = blob[HEAD_BYTES:]
    if mark != MARK or len(payload) != length or zlib.crc32(payload) != checksum:
        return None
    line, _, value = payload.partition(b"\n")
    meta = orjson.loads(line)
    headers = tuple((name, value.encode("latin-1")) for name, value in meta["headers"])
    return Record(meta["topic"], meta["key"].encode(), value, headers, meta["events"])
