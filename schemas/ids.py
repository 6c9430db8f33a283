"""Identifiers: time-ordered for what happens once, derived for what may be said twice."""

from __future__ import annotations

import hashlib
import os
import time
import uuid

from watchkeeper.schemas.errors import ConfigurationError


def uuid7(epoch_ms: int | None = None, entropy: bytes | None = None) -> str:
    """A UUID version 7 (RFC 9562, section 5.7) as text.

    Args:
        epoch_ms: milliseconds since 1970; now, if None.
        entropy: ten bytes in place of the system's random source. Importers hand in a hash of their source, so
            that importing the same file twice yields the same ids.

    Raises:
        ConfigurationError: the entropy is not ten bytes long.
    """
    millis = time.time_ns() // 1_000_000 if epoch_ms is None else epoch_ms
    random = os.urandom(10) if entropy is None else entropy
    if len(random) != 10:
        raise ConfigurationError(f"uuid7 takes ten bytes of entropy, got {len(random)}: cut a hash to its first ten")
    value = (millis & 0xFFFF_FFFF_FFFF) << 80 | int.from_bytes(random, "big")
    value = value & ~(0xF << 76) | 0x7 << 76
    value = value & ~(0x3 << 62) | 0x2 << 62
    text = f"{value:032x}"
    return f"{text[:8]}-{text[8:12]}-{text[12:16]}-{text[16:20]}-{text[20:]}"


def derived_id(*parts: str | int) -> str:
    """An identifier made of what it is about: the same parts give the same id, on any machine, at any time.

    The parts are joined with a separator that no part can forge, hashed with BLAKE2b to 128 bits and written as
    a UUID (version 8, "custom", of RFC 9562).
    """
    digest = hashlib.blake2b(digest_size=16, person=b"watchkeeper-id")
    for part in parts:
        raw = str(part).encode()
        digest.update(len(raw).to_bytes(4, "big"))
        digest.update(raw)
    value = int.from_bytes(digest.digest(), "big")
    value = value & ~(0xF << 76) | 0x8 << 76
    value = value & ~(0x3 << 62) | 0x2 << 62
    return str(uuid.UUID(int=value))
