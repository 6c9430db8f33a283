"""What was last made of an object: several rules read the same event, one after the other, and make the same of it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Generic, TypeVar

K = TypeVar("K")
V = TypeVar("V")


class Latest(Generic[K, V]):
    """A function of one object that remembers its last answer. Objects are told apart by identity, never by content.

    Args:
        make: the function; its answer is shared by all who ask, so it must be one that nobody changes.
    """

    __slots__ = ("_held", "_make")

    def __init__(self, make: Callable[[K], V]) -> None:
        self._make = make
        # Read and replaced in one piece: threads that judge at once at worst make the same twice.
        self._held: tuple[K, V] | None = None

    def __call__(self, of: K) -> V:
        """What is made of the object."""
        held = self._held
        if held is not None and held[0] is of:
            return held[1]
        made = self._make(of)
        self._held = (of, made)
        return made
