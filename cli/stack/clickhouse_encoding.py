"""Compression of request and response bodies, as HTTP content encodings."""

from __future__ import annotations

import gzip
import io
import zlib
from collections.abc import Callable

import lz4.frame
import zstandard

from watchkeeper.cli.stack.clickhouse_errors import (
    CANNOT_DECOMPRESS,
    QUERY_IS_TOO_LARGE,
    UNKNOWN_COMPRESSION_METHOD,
    ClickHouseError,
)

SUPPORTED = ("zstd", "lz4", "gzip", "deflate")
"""Content encodings in the order in which the endpoint prefers them."""

SMALLEST_COMPRESSED = 1024
"""Bodies below this many bytes are sent as they are: compressing them costs more than it saves."""

_CHUNK = 1024 * 1024


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
    if name in ("", "identity") or not body:
        return body
    if name not in _READERS:
        raise ClickHouseError.refused(
            UNKNOWN_COMPRESSION_METHOD, f"Content-Encoding '{encoding}' is unknown here; use one of {SUPPORTED}"
        )
    try:
        return _READERS[name](body, limit)
    except (OSError, EOFError, RuntimeError, zlib.error, zstandard.ZstdError) as error:
        message = f"the body is not valid {name}: {error}"
        raise ClickHouseError.refused(CANNOT_DECOMPRESS, message) from error


def choose(accepted: str) -> str:
    """The encoding for a response to a client that accepts `accepted`, or an empty string for none."""
    offered = {part.split(";")[0].strip().lower() for part in accepted.split(",") if "q=0" != part[-3:].strip()}
    return next((name for name in SUPPORTED if name in offered), "")


def compress(body: bytes, encoding: str) -> bytes:
    """The body in one of the `SUPPORTED` encodings."""
    return _WRITERS[encoding](body)


def _bounded(stream: io.BufferedIOBase | io.RawIOBase, limit: int) -> bytearray:
    out = bytearray()
    while piece := stream.read(_CHUNK):
        out += piece
        if len(out) > limit:
            raise ClickHouseError.refused(QUERY_IS_TOO_LARGE, f"the body is over {limit} bytes when decompressed")
    return out


def _inflate(body: bytes | bytearray, limit: int) -> bytearray:
    machine = zlib.decompressobj()
    out = bytearray(machine.decompress(body, limit + 1))
    if len(out) > limit:
        raise ClickHouseError.refused(QUERY_IS_TOO_LARGE, f"the body is over {limit} bytes when decompressed")
    return out + machine.flush()


_READERS: dict[str, Callable[[bytes | bytearray, int], bytearray]] = {
    "gzip": lambda body, limit: _bounded(gzip.GzipFile(fileobj=io.BytesIO(body)), limit),
    "deflate": _inflate,
    "lz4": lambda body, limit: _bounded(lz4.frame.LZ4FrameFile(io.BytesIO(body)), limit),
    "zstd": lambda body, limit: _bounded(
        zstandard.ZstdDecompressor().stream_reader(io.BytesIO(body), read_across_frames=True), limit
    ),
}
_WRITERS: dict[str, Callable[[bytes], bytes]] = {
    "gzip": lambda body: gzip.compress(body, compresslevel=1),
    "deflate": lambda body: zlib.compress(body, level=1),
    "lz4": lz4.frame.compress,
    "zstd": lambda body: zstandard.ZstdCompressor(level=1).compress(body),
}
