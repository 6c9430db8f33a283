"""The worlds that the fleet's tools act in: small, in memory, the same at every run.

What a world knows is derived from the names that it is asked for, so nothing has to be loaded; what an agent changes
is kept under a lock, by names that belong to one session.
"""

from __future__ import annotations

import hashlib
from random import Random


def chance_for(*names: str | int) -> Random:
    """A source of chance that depends on nothing but these names."""
    digest = hashlib.blake2b("\0".join(map(str, names)).encode(), digest_size=8).digest()
    return Random(int.from_bytes(digest, "big"))  # noqa: S311 - simulation, nothing secret
