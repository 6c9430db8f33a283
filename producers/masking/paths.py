"""Whole fields, by path: `tool_call.arguments.card_number`, `*.password`, `decision.facts.*.iban`."""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import lru_cache
from typing import Final

Path = tuple[str, ...]

_PLAIN: Final = re.compile(r"[\w .-]+", re.ASCII)


class Paths:
    """Patterns of paths. `*` is one name, or any number of them at the beginning; names do not mind case.

    Attributes:
        any: whether there are any.
        names: the last names of those patterns that `open_under` does not speak of, in small letters.
    """

    def __init__(self, patterns: Sequence[str]) -> None:
        self._patterns = [tuple(pattern.lower().split(".")) for pattern in patterns]
        self.any = bool(patterns)
        self._open = [pattern for pattern in self._patterns if not _PLAIN.fullmatch(pattern[-1])]
        self.names = sorted({pattern[-1] for pattern in self._patterns} - {pattern[-1] for pattern in self._open})
        self.match = lru_cache(4096)(self._match)

    def _match(self, path: Path) -> bool:
        lowered = tuple(name.lower() for name in path)
        return any(_fits(pattern, lowered) for pattern in self._patterns)

    def open_under(self, path: Path) -> bool:
        """Whether a pattern may match under the path whatever the last name: one that ends with `*`, for example."""
        lowered = tuple(name.lower() for name in path)
        return any(
            pattern[0] == "*" or all(one in {"*", name} for one, name in zip(pattern, lowered, strict=False))
            for pattern in self._open
        )


def _fits(pattern: Path, path: Path) -> bool:
    if pattern[0] == "*":
        pattern = pattern[1:]
        path = path[max(0, len(path) - len(pattern)) :]
    return len(pattern) == len(path) and all(one in {"*", name} for one, name in zip(pattern, path, strict=True))
