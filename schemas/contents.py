"""Content-addressed text: what agents say and read, kept verbatim and sent once.

A `Content` stands wherever an event carries a text of any length. Its address is a hash: *unsalted* (`u-…`) for
what is shared and holds no person's data (tool schemas, templates, policies), *salted* by the writer (`s-…`) for
everything else, since a plain hash of a short text gives the text away. The text itself travels with the first
event of a writer that uses it; later events of that writer carry the address alone. A text of more than
`INLINE_LIMIT` bytes travels before its event, in `content` events of at most `PART_LIMIT` bytes each.
"""

from __future__ import annotations

import hashlib
from functools import lru_cache
from typing import Annotated, Literal

from pydantic import Field, StringConstraints

from watchkeeper.schemas.model import Model

INLINE_LIMIT = 256 * 1024
"""Bytes of text that one event carries inline, all its contents together."""

PART_LIMIT = 256 * 1024
"""Bytes of text in one `content` event."""

MAX_PARTS = 4096
"""Parts of one text: with parts of `PART_LIMIT` bytes, a text of 1 GiB."""

MAX_LINE_BYTES = 2 * 1024 * 1024
"""A line longer than this is dead-lettered. 256 KiB of control characters become 1.5 MiB in JSON."""

Address = Annotated[str, StringConstraints(pattern=r"^[us]-[0-9a-f]{64}$")]
Salt = Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{32}$")]

MediaType = Literal["text/plain", "application/json"]


class Content(Model):
    """A text by address.

    Attributes:
        address: `u-` or `s-`, then 64 hexadecimal digits: BLAKE2b-256 of the UTF-8 bytes, keyed with the writer's
            salt where it begins with `s-`.
        size: length in UTF-8 bytes.
        media_type: `application/json` where the text is a JSON value (a chat message, a list of tools).
        text: the text, at its first use by this writer; None where it was sent before or travels in parts.
        masked: how many places the producer masked before it addressed the text.
    """

    address: Address
    size: Annotated[int, Field(ge=0)]
    media_type: MediaType = "text/plain"
    text: str | None = None
    masked: Annotated[int, Field(ge=0)] = 0


def address_of(text: str | bytes, salt: str | None = None) -> str:
    """The address of a text: salted with a writer's salt (32 hexadecimal digits), or unsalted without one."""
    raw = text.encode() if isinstance(text, str) else text
    if salt is None:
        return "u-" + hashlib.blake2b(raw, digest_size=32).hexdigest()
    hashing = keyed_hash(salt).copy()
    hashing.update(raw)
    return "s-" + hashing.hexdigest()


@lru_cache(maxsize=1024)
def keyed_hash(salt: str) -> hashlib.blake2b:
    """A hash that has taken in its key, to be copied: that is cheaper than another one, and a writer has many texts."""
    return hashlib.blake2b(digest_size=32, key=bytes.fromhex(salt))


def matches(content_address: str, text: str | bytes, salt: str | None) -> bool | None:
    """Whether a text has this address; None where the address is salted and the salt is not known."""
    if content_address.startswith("u-"):
        return address_of(text) == content_address
    return None if salt is None else address_of(text, salt) == content_address
