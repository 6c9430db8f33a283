"""Cuts JSON values that are too long or too deep to travel beside an event.

Texts of any length travel by address; facts, limits and parameters stand in the event itself and have to fit there.
Cutting keeps the value's shape (an object stays an object), so that what is left can still be read and validated.
"""

from __future__ import annotations

from typing import Any, Final

from pydantic_core import from_json

from watchkeeper.producers.writing.encoding import refreeze, thaw

KEPT_TEXT: Final = 1000
KEPT_DEPTH: Final = 40

_BRACKETS: Final = 100
_AROUND: Final = 10


def too_deep(raw: bytes) -> bool:
    """Whether JSON is nested deeper than pydantic reads (200 levels, those of the event around it included)."""
    if raw.count(b"[") + raw.count(b"{") <= _BRACKETS:
        return False
    try:
        from_json(b"[" * _AROUND + raw + b"]" * _AROUND)
    except ValueError:
        return True
    return False


def shorten(raw: bytes, limit: int) -> bytes:
    """JSON of the same shape in fewer than `limit` bytes: long texts cut, what goes beyond the limit left out."""
    value = thaw(raw)
    budget = limit // 2
    while True:
        shorter = refreeze(_Cut(budget).of(value, 0))
        if len(shorter) <= limit:
            return shorter
        # Escapes made it longer than its characters.
        budget //= 4


class _Cut:
    """Copies a value while its budget, in characters, lasts."""

    def __init__(self, budget: int) -> None:
        self._left = budget

    def of(self, value: Any, depth: int) -> Any:
        self._left -= 8
        if isinstance(value, str):
            return self._text(value)
        if isinstance(value, int) and not isinstance(value, bool) and value.bit_length() > 64:
            return self._text(str(value))
        if isinstance(value, dict):
            return self._object(value, depth)
        if isinstance(value, list):
            return self._array(value, depth)
        return value

    def _text(self, text: str) -> str:
        kept = max(0, min(KEPT_TEXT, self._left))
        self._left -= min(len(text), kept)
        return text if len(text) <= kept else f"{text[:kept]}… ({len(text)} characters)"

    def _object(self, value: dict[str, Any], depth: int) -> dict[str, Any]:
        kept: dict[str, Any] = {}
        for key, item in value.items():
            self._left -= len(key)
            if self._left <= 0 or depth >= KEPT_DEPTH:
                break
            kept[key[:KEPT_TEXT]] = self.of(item, depth + 1)
        return kept

    def _array(self, value: list[Any], depth: int) -> list[Any]:
        kept: list[Any] = []
        for item in value:
            if self._left <= 0 or depth >= KEPT_DEPTH:
                break
            kept.append(self.of(item, depth + 1))
        return kept
