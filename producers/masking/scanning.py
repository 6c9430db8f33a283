"""Finds what is to be masked, in time linear in the text: RE2, which cannot backtrack.

One pass of a set over the text tells which expressions occur at all; mostly none does, and that was all.
"""

from __future__ import annotations

import importlib
import re
from collections.abc import Iterator, Sequence
from typing import Any, Final

from watchkeeper.producers.masking.detectors import INSTALL, Detector
from watchkeeper.schemas.errors import ConfigurationError

MAX_MEMORY: Final = 64 * 1024 * 1024
"""Bytes that RE2 may take for the automaton of one set. Where it is not enough the event is lost, never unmasked."""

SHORT: Final = 64
"""Bytes of a rejected find that is looked into again; a bound, so that the time stays linear."""

_GROUP: Final = re.compile(rb"[0-9A-Za-z]+|[^0-9A-Za-z]+")

_ESCAPED: Final = re.compile(rb"\\[^Az]")
_EDGES: Final = re.compile(rb"(?<!\[)\^|\$|\\[Az]")

Span = tuple[int, int, str]
"""Start and end in bytes, and the kind."""


def knows_edges(pattern: bytes) -> bool:
    """Whether an expression may ask where the text begins or ends: within another text it would find less."""
    return _EDGES.search(_ESCAPED.sub(b"", pattern)) is not None


def outside(spans: Sequence[Span], kept: Sequence[tuple[int, int]]) -> Iterator[Span]:
    """The spans that lie within none of `kept`. Both are in order and without overlaps: one pass over each."""
    place = 0
    for span in spans:
        start, end, _ = span
        while place < len(kept) and kept[place][1] < end:
            place += 1
        if place == len(kept) or kept[place][0] > start:
            yield span


class ExpressionSet:
    """Tells in one pass over a text which of many expressions match somewhere in it."""

    def __init__(self, patterns: Sequence[bytes]) -> None:
        engine = _engine()
        self._set: Any = engine.Set.SearchSet(_options(engine))
        for pattern in patterns:
            self._set.Add(pattern)
        if patterns:
            try:
                self._set.Compile()
            except engine.error:
                raise ConfigurationError(
                    "masking.patterns: the expressions take too much memory together: "
                    "lower the counts of their repetitions"
                ) from None
        self._empty = not patterns

    def in_text(self, raw: bytes) -> list[int]:
        """The places, among the expressions, of those that match."""
        found: list[int] | None = None if self._empty else self._set.Match(raw)
        return found or []


class Scanner:
    """All expressions of one policy.

    Attributes:
        patterns: the expressions.
    """

    def __init__(self, detectors: Sequence[Detector]) -> None:
        engine = _engine()
        self._detectors = detectors
        self._compiled: list[Any] = []
        for detector in detectors:
            try:
                self._compiled.append(engine.compile(detector.pattern, options=_options(engine)))
            except engine.error as error:
                raise ConfigurationError(
                    f"masking.patterns: {detector.kind} is no expression of RE2 ({error}): "
                    "write it without look-around and backreferences"
                ) from None
        self.patterns = [detector.pattern for detector in detectors]
        self._set = ExpressionSet(self.patterns)

    def occurs(self, raw: bytes) -> bool:
        """Whether any expression matches somewhere; what it matches may still be nothing."""
        return bool(self._set.in_text(raw))

    def places(self, raw: bytes) -> Iterator[tuple[int, int]]:
        """Start and end of whatever an expression matches, unchecked."""
        for index in self._set.in_text(raw):
            place = 0
            while (match := self._compiled[index].search(raw, place)) is not None:
                yield match.span()
                place = max(match.end(), place + 1)

    def find(self, raw: bytes) -> list[Span]:
        """What is to be masked, in order and without overlaps: the earlier wins, then the earlier detector."""
        found = [span for index in sorted(self._set.in_text(raw)) for span in self._of(index, raw)]
        found.sort(key=lambda span: span[0])
        kept: list[Span] = []
        for span in found:
            if not kept or span[0] >= kept[-1][1]:
                kept.append(span)
            elif span[1] > kept[-1][1]:
                # Two that overlap leave together: what sticks out of the first must not stay.
                kept[-1] = (kept[-1][0], span[1], kept[-1][2])
        return kept

    def _of(self, index: int, raw: bytes) -> list[Span]:
        detector, expression = self._detectors[index], self._compiled[index]
        group = 1 if expression.groups else 0
        spans: list[Span] = []
        place = 0
        while (match := expression.search(raw, place)) is not None:
            start, end = match.span(group)
            if start < 0:
                start, end = match.span()
            good = end if detector.check is None else detector.check(raw, start, end)
            if good > start:
                spans.append((start, good, detector.kind))
                end = good
            elif end - start <= SHORT:
                # Two numbers side by side may look like one that fails: go on behind the first group of it.
                end = start + max(1, _first_group(raw, start, end))
            place = max(end, place + 1)
        return spans


def _engine() -> Any:
    try:
        return importlib.import_module("re2")
    except ImportError:
        raise ConfigurationError(
            f"masking needs google-re2: {INSTALL}, or switch it off by `masking: {{kinds: []}}` in the policy"
        ) from None


def _options(engine: Any) -> Any:
    options = engine.Options()
    options.max_mem = MAX_MEMORY
    options.log_errors = False
    return options


def _first_group(raw: bytes, start: int, end: int) -> int:
    found = _GROUP.match(raw, start, end)
    return found.end() - start if found else 0
