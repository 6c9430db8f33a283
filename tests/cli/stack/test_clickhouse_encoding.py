from __future__ import annotations

import gzip
import random
import zlib

import lz4.frame  # type: ignore[import-untyped]  # ships no types
import pytest
import zstandard

from watchkeeper.cli.stack.clickhouse_encoding import SUPPORTED, Compressor, choose, compress, decompress
from watchkeeper.cli.stack.clickhouse_errors import ClickHouseError

DATA = random.Random(7).randbytes(100_000) + b"line\n" * 400_000
PACKERS = {"gzip": gzip.compress, "deflate": zlib.compress, "lz4": lz4.frame.compress, "zstd": zstandard.compress}


@pytest.mark.parametrize("encoding", SUPPORTED)
def test_what_a_client_packed_is_unpacked(encoding: str) -> None:
    assert decompress(PACKERS[encoding](DATA), encoding.upper(), len(DATA)) == DATA


@pytest.mark.parametrize("encoding", SUPPORTED)
def test_what_is_packed_piece_by_piece_is_one_body(encoding: str) -> None:
    compressor = Compressor(encoding)
    pieces = [compressor.piece(DATA[start : start + 77_777]) for start in range(0, len(DATA), 77_777)]
    body = b"".join(pieces) + compressor.end()
    assert len(body) < len(DATA) / 2
    assert decompress(body, encoding, len(DATA)) == DATA
    assert decompress(compress(b"", encoding), encoding, 10) == b""


@pytest.mark.parametrize("encoding", ["gzip", "lz4", "zstd"])
def test_several_frames_are_one_body(encoding: str) -> None:
    pack = PACKERS[encoding]
    assert decompress(pack(b"one,") + pack(b"two"), encoding, 100) == b"one,two"


@pytest.mark.parametrize("encoding", SUPPORTED)
def test_a_body_that_ends_early_is_refused(encoding: str) -> None:
    with pytest.raises(ClickHouseError, match=f"the body is not valid {encoding}") as caught:
        decompress(PACKERS[encoding](DATA)[:-5], encoding, len(DATA))
    assert caught.value.code == 271


@pytest.mark.parametrize("encoding", SUPPORTED)
def test_a_body_that_is_no_such_thing_is_refused(encoding: str) -> None:
    with pytest.raises(ClickHouseError) as caught:
        decompress(b"plain text, not compressed", encoding, 1000)
    assert caught.value.code == 271


@pytest.mark.parametrize("encoding", SUPPORTED)
def test_a_body_that_unpacks_to_too_much_is_refused(encoding: str) -> None:
    with pytest.raises(ClickHouseError) as caught:
        decompress(PACKERS[encoding](bytes(10_000_000)), encoding, 1_000_000)
    assert caught.value.code == 229


@pytest.mark.parametrize(
    ("accepted", "chosen"),
    [
        ("", ""),
        ("br", ""),
        ("identity", ""),
        ("gzip", "gzip"),
        ("gzip, lz4;q=0.5", "lz4"),
        ("lz4;q=0, zstd; q=0.0, deflate", "deflate"),
        ("ZSTD", "zstd"),
    ],
)
def test_the_encoding_of_an_answer_is_one_that_the_client_takes(accepted: str, chosen: str) -> None:
    assert choose(accepted) == chosen
