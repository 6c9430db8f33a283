"""Compression of request and response bodies, as HTTP content encodings."""

from __future__ import annotations

import gzip
import io
import zlib
from typing import TYPE_CHECKING, Protocol

import lz4.frame  # type: ignore[import-untyped]  # ships no types
import zstandard

from watchkeeper.cli.stack.clickhouse_errors import (
    CANNOT_DECOMPRESS,
    QUERY_IS_TOO_LARGE,
    UNKNOWN_COMPRESSION_METHOD,
    ClickHouseError,
)

if TYPE_CHECKING:
    from collections.abc import Callable

SUPPORTED = ("lz4", "zstd", "gzip", "deflate")
"""Content encodings in the order in which the endpoint prefers them: on loopback, the cheapest first."""

SMALLEST_COMPRESSED = 1024
"""Bodies below this many bytes are sent as they are: compressing them costs more than it saves."""

_CHUNK = 1024 * 1024
_GZIP_WINDOW = 31
_ZLIB_WINDOW = 15


class _Readable(Protocol):
    def read(self, size: int, /) -> bytes: ...


def decompress(body: bytes | bytearray, encoding: str, limit: int) -> bytes | bytearray:
    """The body without its content encoding.

    Args:
        body: as it came.
        encoding: the value of `Content-Encoding`; empty or `identity` for none.
        limit: the most bytes that may come out.

    Raises:
        ClickHouseError: unknown encoding, damaged data, or more than `limit` bytes.
    """
    name = encoding.strip().lower()
    if name in {"", "identity"} or not body:
        return body
    if name not in _READERS:
        message = f"Content-Encoding '{encoding}' is unknown here; use one of {', '.join(SUPPORTED)}"
        raise ClickHouseError.refused(UNKNOWN_COMPRESSION_METHOD, message)
    try:
        return _bounded(_READERS[name](body), limit)
    except (OSError, EOFError, RuntimeError, zlib.error, zstandard.ZstdError) as error:
        message = f"the body is not valid {name}: {error}"
        raise ClickHouseError.refused(CANNOT_DECOMPRESS, message) from error


def choose(accepted: str) -> str:
    """The encoding for a response to a client that sent `Accept-Encoding: accepted`; an empty string for none."""
    offered = set()
    for part in accepted.split(","):
        name, _, weight = part.partition(";")
        if weight.replace(" ", "").rstrip("0.") != "q=":
            offered.add(name.strip().lower())
    return next((name for name in SUPPORTED if name in offered), "")


class Compressor:
    """A response body that is compressed piece by piece.

    Args:
        encoding: one of `SUPPORTED`, or an empty string to leave it as it is.
    """

    def __init__(self, encoding: str) -> None:
        self._head = b""
        self._compress: Callable[[bytes], bytes] = bytes
        self._flush: Callable[[], bytes] = bytes
        if not encoding:
            return
        if encoding == "lz4":
            frame = lz4.frame.LZ4FrameCompressor()
            self._head = frame.begin()
            self._compress, self._flush = frame.compress, frame.flush
        elif encoding == "zstd":
            packer = zstandard.ZstdCompressor(level=1).compressobj()
            self._compress, self._flush = packer.compress, packer.flush
        else:
            deflater = zlib.compressobj(1, zlib.DEFLATED, _GZIP_WINDOW if encoding == "gzip" else _ZLIB_WINDOW)
            self._compress, self._flush = deflater.compress, deflater.flush

    def piece(self, data: bytes) -> bytes:
        """What can be sent now, after `data`; may be empty."""
        head, self._head = self._head, b""
        return head + self._compress(data)

    def end(self) -> bytes:
        """What remains to be sent."""
        head, self._head = self._head, b""
        return head + self._flush()


def compress(body: bytes, encoding: str) -> bytes:
    """A whole body in one of the `SUPPORTED` encodings."""
    compressor = Compressor(encoding)
    return compressor.piece(body) + compressor.end()


class _Inflating:
    """A zlib stream that is read like a file, so that its size is bounded while it grows."""

    def __init__(self, body: bytes | bytearray) -> None:
        self._machine = zlib.decompressobj()
        self._rest = bytes(body)

    def read(self, size: int, /) -> bytes:
        if self._machine.eof:
            return b""
        piece = self._machine.decompress(self._rest, size)
        self._rest = self._machine.unconsumed_tail
        if not piece and not self._machine.eof:
            raise EOFError("the data end early")
        return piece


class _Unzstd:
    """Zstandard frames that are read like a file. Unlike the library's reader, it notices when they end early."""

    # A few bytes can stand for 128 KiB: small pieces bound what one step makes.
    _STEP = 1024

    def __init__(self, body: bytes | bytearray) -> None:
        self._body = memoryview(body)
        self._at = 0
        self._frame = zstandard.ZstdDecompressor().decompressobj()

    def read(self, size: int, /) -> bytes:
        out = bytearray()
        while len(out) < size and self._at < len(self._body):
            if self._frame.eof:
                self._frame = zstandard.ZstdDecompressor().decompressobj()
            step = self._body[self._at : self._at + self._STEP]
            out += self._frame.decompress(step)
            self._at += len(step) - len(self._frame.unused_data)
        if not out and not self._frame.eof:
            raise EOFError("the data end early")
        return bytes(out)


def _bounded(stream: _Readable, limit: int) -> bytearray:
    out = bytearray()
    while piece := stream.read(_CHUNK):
        out += piece
        if len(out) > limit:
            raise ClickHouseError.refused(QUERY_IS_TOO_LARGE, f"the body is over {limit} bytes when decompressed")
    return out


_READERS: dict[str, Callable[[bytes | bytearray], _Readable]] = {
    "gzip": lambda body: gzip.GzipFile(fileobj=io.BytesIO(body)),
    "deflate": _Inflating,
    "lz4": lambda body: lz4.frame.LZ4FrameFile(io.BytesIO(body)),
    "zstd": _Unzstd,
}
