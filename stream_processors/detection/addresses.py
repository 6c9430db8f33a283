"""E-mail addresses in texts and arguments, as digests: whom something goes to, without remembering who that is."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from watchkeeper.stream_processors.detection.fingerprints import digest

MAX_TEXT = 8_000
"""Characters of an argument that are searched."""

MAX_DEPTH = 4
"""Of arguments that are searched."""

_ADDRESS = re.compile(r"[\w.+-]{1,64}@[\w-]{1,63}(?:\.[\w-]{1,63}){1,8}")


def addresses_in(text: str) -> Iterator[str]:
    """Digests of the addresses in a text, letter case aside, in their order."""
    for address in _ADDRESS.findall(text):
        yield digest(address.lower())[:8]


def addresses_within(arguments: Any) -> set[str]:
    """Digests of the addresses among a call's arguments."""
    return {address for text in _texts(arguments, 0) for address in addresses_in(text)}


def _texts(value: Any, depth: int) -> Iterator[str]:
    if isinstance(value, str):
        if "@" in value:
            yield value[:MAX_TEXT]
    elif depth < MAX_DEPTH and isinstance(value, (dict, list)):
        for inner in value.values() if isinstance(value, dict) else value:
            yield from _texts(inner, depth + 1)
