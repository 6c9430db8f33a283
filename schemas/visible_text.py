"""Texts of agents as they are shown to people: what a screen would obey or hide is spelled out."""

from __future__ import annotations

import re
from typing import Final

# C0 (but line feed and tab), DEL, C1, what reorders or hides text, and halves of pairs, which cannot be printed.
_UNSAFE: Final = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u200e\u200f\u202a-\u202e\u2066-\u2069\ufeff\ud800-\udfff]")


def visible(text: str) -> str:
    """Text with every control character spelled out, an escape as x1b; line feeds and tabs stay."""
    return _UNSAFE.sub(_spelled, text.replace("\r\n", "\n"))


def _spelled(match: re.Match[str]) -> str:
    code = ord(match.group())
    return f"\\x{code:02x}" if code < 0x100 else f"\\u{code:04x}"
