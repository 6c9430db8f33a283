"""How events travel: newline-delimited JSON in Kafka records keyed by `tenant_id/session_id`.

A line is one event. The SDK writes lines in one canonical form (below) and says so in the record's header
`wk-writer: canonical/1`: such lines go to the store as they are. Any other line is serialised again after
validation, since JSON allows a key to stand twice and readers differ in which they keep: what is judged must be
what is stored.

Canonical form: `type`, then the keys of `Envelope` in their order, those with default values left out, so that
`writer_salt`, `data_digest` and `chain` come after the rest of the header; then `data`, with its keys in the
order of their model and None left out. Compact JSON in UTF-8, no key twice, no spaces.
"""

from __future__ import annotations

import hashlib

WRITER_HEADER = "wk-writer"
CANONICAL = b"canonical/1"


def record_key(tenant_id: str, session_id: str) -> bytes:
    """The Kafka key that keeps a session on one partition, in order."""
    return f"{tenant_id}/{session_id}".encode()


def split_lines(value: bytes) -> list[bytes]:
    """The lines of a record, empty ones left out."""
    return [line for line in value.split(b"\n") if line and not line.isspace()]


def data_digest(data: bytes, salt: str) -> str:
    """The salted digest of the bytes of `data`: 64 hexadecimal digits."""
    return hashlib.blake2b(data, digest_size=32, key=bytes.fromhex(salt)).hexdigest()


def chain_link(previous: str, header: bytes, digest: str) -> str:
    """The next value of a writer's chain.

    Args:
        previous: the chain value of the writer's event before, or "" for its first.
        header: the canonical header: the event's line up to `writer_salt`, `data_digest`, `chain` and `data`, which
            are left out, its brace closed.
        digest: the event's `data_digest`.
    """
    running = hashlib.blake2b(digest_size=32, person=b"wk-chain-1")
    running.update(bytes.fromhex(previous))
    running.update(header)
    running.update(bytes.fromhex(digest))
    return running.hexdigest()


def line_digest(line: bytes) -> str:
    """Identifies a stored line: 32 hexadecimal digits. Equal for a duplicate, different for other content."""
    return hashlib.blake2b(line, digest_size=16).hexdigest()
