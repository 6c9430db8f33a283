"""What stands in the place of what was masked."""

from __future__ import annotations

import hmac
import re
from typing import Final

TOKEN: Final = re.compile(rb"\[[a-z][a-z0-9_]{0,31}(?::[0-9a-f]{8}(?:[0-9a-f]{8})?)?\]['`]*")
"""A replacement. What looks like one is left as it is, so that masking twice is masking once."""

SHORT: Final = 4
"""Bytes of a pseudonym in a text: enough for a person to see that two values are equal."""

LONG: Final = 8
"""Bytes of a pseudonym in the place of an id, which things are counted by: 32 bits meet at some ten thousand users."""


class Pseudonyms:
    """Makes replacements, and counts them."""

    def __init__(self, key: bytes, *, constant: bool) -> None:
        self._key = key
        self.constant = constant

    def token(self, kind: str, value: bytes, counts: dict[str, int], size: int = SHORT) -> bytes:
        """What stands in the place of a value of this kind."""
        counts[kind] = counts.get(kind, 0) + 1
        if self.constant:
            return b"[%b]" % kind.encode()
        plain = value.replace(b"\\u0040", b"@").replace(b"%40", b"@")
        digest = hmac.digest(self._key, kind.encode() + b"\0" + plain, "sha256")
        return b"[%b:%b]" % (kind.encode(), digest[:size].hex().encode())


def numbered(place: int) -> bytes:
    """What tells the replacements of one object's keys apart; nothing for the first. It holds nothing to be masked.

    Two marks in place of the digits 1 and 2: short for any number of keys.
    """
    marks = b""
    while place:
        marks = b"'`"[(place - 1) % 2 :][:1] + marks
        place = (place - 1) // 2
    return marks
