"""The two ways of telling something, on which every method of a session stands.

What is *about to begin* (a request to a model, a tool call, a retrieval, a delegation, an approval asked for) first
obeys commands: a session that was stopped does not begin it, and a paused one waits. What *has happened* (a response,
a result, reasoning, a decision, an outcome) is recorded first: it happened.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import TYPE_CHECKING, Any, Final, TypeVar

if TYPE_CHECKING:
    from watchkeeper.producers.identity import Clock
    from watchkeeper.producers.recording.boundary import Boundary
    from watchkeeper.schemas.events import EventType

MAX_OPEN: Final = 10_000
"""Calls and requests begun and not ended that are remembered, for their names and durations."""

V = TypeVar("V")


class Telling(ABC):
    """What the recording methods need of a session."""

    _boundary: Boundary
    _stopwatch: Clock
    _best_answer: str | None = None

    @abstractmethod
    def _about_to(self, kind: EventType, fields: dict[str, Any]) -> None:
        """Obeys, then records."""

    @abstractmethod
    def _happened(self, kind: EventType, fields: dict[str, Any]) -> None:
        """Records, then obeys."""

    @abstractmethod
    def _record(self, kind: EventType, fields: dict[str, Any]) -> None:
        """Records, and obeys nothing. Never raises."""

    @abstractmethod
    def _new_id(self, kind: str) -> str:
        """A name for something that begins."""


def remember(open_ones: dict[str, V], key: str, value: V) -> None:
    """Keeps what was begun until it ends; the oldest is forgotten when there are too many."""
    open_ones[key] = value
    if len(open_ones) > MAX_OPEN:
        open_ones.pop(next(iter(open_ones)), None)
