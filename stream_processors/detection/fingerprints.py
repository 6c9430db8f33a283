"""Short digests by which states remember what they do not keep."""

from __future__ import annotations

import hashlib


def digest(raw: str | bytes) -> str:
    """Twelve hexadecimal digits: 48 bits, which tell apart what one session or one subject remembers."""
    return hashlib.blake2b(raw.encode() if isinstance(raw, str) else raw, digest_size=6).hexdigest()
