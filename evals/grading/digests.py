"""Short digests of options: a grader with other options is another version of it."""

from __future__ import annotations

import hashlib
from typing import Final

import orjson

LENGTH: Final = 10
"""Hexadecimal digits: 40 bits keep the versions of one grader apart."""


def digest_of(described: object) -> str:
    """The digest of anything that JSON can hold; the order of keys does not matter."""
    raw = orjson.dumps(described, option=orjson.OPT_SORT_KEYS)
    return hashlib.sha256(raw).hexdigest()[:LENGTH]
