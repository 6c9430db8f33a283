"""Whole fields, by path: `tool_call.arguments.card_number`, `*.password`, `decision.facts.*.iban`."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache


class Paths:
    """Patterns of paths. `*` is one name, or any number of them at the beginning; names do not mind case."""

    def __init__(self, patterns: Sequence[str]) -> None:
        self._patterns = [tuple(pattern.lower().split(".")) for pattern in patterns]
        self.any = bool(patterns)
        self.match = lru_cache(4096)(self._match)

    def _match(self, path: tuple[str, ...]) -> bool:
        lowered = tuple(name.lower() for name in path)
        return any(_fits(pattern, lowered) for pattern in self._patterns)


def _fits(pattern: tuple[str, ...], path: tuple[str, ...]) -> bool:
    if pattern[0] == "*":
        pattern = pattern[1:]
        path = path[max(0, len(path) - len(pattern)) :]
    return len(pattern) == len(path) and all(one in {"*", name} for one, name in zip(pattern, path, strict=True))
