"""Many expressions, looked for in one pass: RE2, which cannot backtrack, so that no text can hold up a worker.

One pass of the set tells which expressions occur at all; mostly none does, and that was all. Where one does, its
places are looked up one by one.
"""

from __future__ import annotations

import importlib
import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import Any, Final

MAX_MEMORY: Final = 32 * 1024 * 1024
"""Bytes that RE2 may take for the automaton of one set."""


class PatternSet:
    """Expressions in the syntax of RE2, over UTF-8.

    Args:
        patterns: the expressions; where one has a group, its first is the place.
        screens: by its place in the list, marks of which a text must hold one for an expression to match. They are
            looked for with the others; the expression by itself, and in such texts alone: one that makes the automaton
            of all of them large slows down every text, since what leaves the processor's cache is read anew.
        gate: an expression that matches wherever one of those in `gated` does; it is looked for with the others.
        gated: places in the list of expressions that are tried only where the gate matches: those with counted gaps,
            which make nearly every text a way of its own through the automaton.
    """

    def __init__(
        self,
        patterns: Sequence[bytes],
        screens: Mapping[int, Sequence[bytes]] | None = None,
        *,
        gate: bytes = b"",
        gated: Collection[int] = (),
    ) -> None:
        engine: Any = importlib.import_module("re2")
        options = engine.Options()
        options.max_mem = MAX_MEMORY
        options.log_errors = False
        self._compiled = [engine.compile(pattern, options=options) for pattern in patterns]
        behind = [([index], b"|".join(map(re.escape, marks))) for index, marks in (screens or {}).items()]
        if gated:
            behind.append((list(gated), gate))
        apart = {index for some, _ in behind for index in some}
        self._together = [index for index in range(len(patterns)) if index not in apart]
        wanted = [patterns[index] for index in self._together]
        self._set: Any = _set_of([*wanted, *(opening for _, opening in behind)], engine, options)
        self._behind = [(some, _set_of([patterns[one] for one in some], engine, options)) for some, _ in behind]

    def occurring(self, raw: bytes) -> list[int]:
        """The expressions that match somewhere, by their places in the list."""
        found: list[int] = []
        matched = self._set.Match(raw)
        if not matched:
            return found
        together = self._together
        for index in matched:
            if index < len(together):
                found.append(together[index])
            else:
                some, apart = self._behind[index - len(together)]
                found += [some[place] for place in apart.Match(raw) or ()]
        return sorted(found)

    def places(self, index: int, raw: bytes, limit: int) -> Iterator[tuple[int, int]]:
        """Where an expression matches: at most `limit` places, in order, as start and end in bytes."""
        expression = self._compiled[index]
        group = 1 if expression.groups else 0
        place = 0
        for _ in range(limit):
            match = expression.search(raw, place)
            if match is None:
                return
            start, end = match.span(group)
            yield (start, end) if start >= 0 else match.span()
            place = max(match.end(), place + 1)


def _set_of(patterns: Sequence[bytes], engine: Any, options: Any) -> Any:
    made = engine.Set.SearchSet(options)
    for pattern in patterns:
        made.Add(pattern)
    made.Compile()
    return made
