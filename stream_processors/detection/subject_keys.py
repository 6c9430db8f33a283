"""Names of subjects that are personal: customers, facts, calls. What a name is made of must not be guessed from it."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any

import orjson

MIN_SECRET_BYTES = 16
_BLOCK = 64
_INNER = bytes(code ^ 0x36 for code in range(256))
_OUTER = bytes(code ^ 0x5C for code in range(256))


@dataclass(frozen=True, slots=True)
class SubjectKeys:
    """Makes names: equal for equal things of one tenant, and telling nothing to those who lack the secret.

    Attributes:
        secret: the same for all workers of an installation. With another one every subject begins anew.

    A customer's number can be guessed and a plain hash of it tried; the keyed one (HMAC-SHA-256, RFC 2104) cannot.
    """

    secret: bytes = field(repr=False)

    @property
    def is_secret(self) -> bool:
        """Whether there is a secret that is long enough to be one."""
        return len(self.secret) >= MIN_SECRET_BYTES

    def name(self, tenant_id: str, *about: Any) -> str:
        """32 hexadecimal digits for these things of a tenant, which must be JSON."""
        told = orjson.dumps([tenant_id, *about], option=orjson.OPT_SORT_KEYS | orjson.OPT_NON_STR_KEYS)
        inner, outer = _padded(self.secret)
        inside = inner.copy()
        inside.update(told)
        outside = outer.copy()
        outside.update(inside.digest())
        return outside.hexdigest()[:32]


@lru_cache(maxsize=16)
def _padded(secret: bytes) -> tuple[hashlib._Hash, hashlib._Hash]:
    """The two hashes of RFC 2104 that have taken in the key, to be copied.

    `hmac.digest` looks its algorithm up anew each time, and that takes longer than all the rest.
    """
    key = (hashlib.sha256(secret).digest() if len(secret) > _BLOCK else secret).ljust(_BLOCK, b"\0")
    return hashlib.sha256(key.translate(_INNER)), hashlib.sha256(key.translate(_OUTER))


UNKEYED = SubjectKeys(b"")
"""For tests, and for hosts that keep no subjects."""
