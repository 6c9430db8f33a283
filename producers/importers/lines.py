"""Reads files line by line, compressed or not, and says where it stands."""

from __future__ import annotations

import gzip
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Final

from watchkeeper.producers.importers.model import Problem

LONGEST_LINE: Final = 256 * 1024 * 1024
"""Bytes. A longer line is skipped and reported: it is read into memory whole."""

_GZIP = b"\x1f\x8b"
_BOM = b"\xef\xbb\xbf"


@dataclass(frozen=True, slots=True)
class Line:
    """One line of a file, without its line break; `number` counts from 1."""

    path: Path
    number: int
    raw: bytes


class LineReader:
    """The lines of a file that hold something, and what kept others from being read.

    Compression is told by the file's first bytes, not by its name.

    Attributes:
        position: bytes of the file read so far, compressed ones where it is compressed.
    """

    def __init__(self, path: Path, *, longest: int = LONGEST_LINE) -> None:
        self._path = path
        self._longest = longest
        self.position = 0

    def __iter__(self) -> Iterator[Line | Problem]:
        number = 0
        try:
            with self._path.open("rb") as file, _decompressed(file) as stream:
                while True:
                    number += 1
                    raw = stream.readline(self._longest + 1)
                    if not raw:
                        break
                    self.position = file.tell()
                    if len(raw) > self._longest and not raw.endswith(b"\n"):
                        _skip_line(stream)
                        reason = f"the line is longer than {self._longest} bytes: it was skipped"
                        yield Problem(self._path, number, reason)
                        continue
                    text = raw.removeprefix(_BOM).strip() if number == 1 else raw.strip()
                    if text:
                        yield Line(self._path, number, text)
        except (EOFError, gzip.BadGzipFile, zlib.error) as error:
            yield Problem(self._path, number, f"the compressed file is damaged, reading ends here: {error}")
        except OSError as error:
            yield Problem(self._path, number, f"the file cannot be read on: {error.strerror or error}")


def _decompressed(file: IO[bytes]) -> IO[bytes] | gzip.GzipFile:
    magic = file.read(len(_GZIP))
    file.seek(0)
    return gzip.open(file, "rb") if magic == _GZIP else file


def _skip_line(stream: IO[bytes] | gzip.GzipFile) -> None:
    """Reads on behind the line's end, without keeping what it reads."""
    while (piece := stream.readline(1024 * 1024)) and not piece.endswith(b"\n"):
        pass
