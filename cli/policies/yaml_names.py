"""Names that somebody else gave, as YAML reads them back."""

from __future__ import annotations

import re
from typing import Final

_PLAIN: Final = re.compile(r"[a-z][a-z0-9]*(?:[-_][a-z0-9]+)+")
"""Two small words at least: YAML takes `no`, `on` and `y` for something else."""


def spelled(name: str) -> str:
    """A name as a key or a value: plain where it is a plain word, else in quotes, with what is unusual escaped."""
    return name if _PLAIN.fullmatch(name) else f'"{"".join(map(_escaped, name))}"'


def commented(text: str, most: int = 100) -> str:
    """A text on one line of a comment."""
    return "".join(map(_escaped, text[:most])).replace('\\"', '"')


def _escaped(character: str) -> str:
    code = ord(character)
    if character in {'"', "\\"}:
        return f"\\{character}"
    if 0x20 <= code < 0x7F:
        return character
    return f"\\x{code:02x}" if code < 0x100 else f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"
