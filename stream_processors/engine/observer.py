"""What the engine tells of its work, batch by batch and never event by event, to whoever keeps figures."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import AbstractContextManager, nullcontext
from typing import Literal, Protocol, get_args

from watchkeeper.stream_processors.engine.ports import Record
from watchkeeper.stream_processors.engine.stage import Output

Step = Literal["load", "judge", "publish", "rows", "state"]
"""The steps of a batch, with the time that repeating them took: what judging needs is loaded, the batch is judged,
its messages are published, its rows inserted, its states written."""
STEPS: tuple[Step, ...] = get_args(Step)


class Observer(Protocol):
    """Must answer at once and raise nothing."""

    def step(self, name: Step) -> AbstractContextManager[None]:
        """Entered when a step of a batch or a tick begins, left when it has ended."""

    def judged(self, records: Sequence[Record], output: Output) -> None:
        """A batch was judged, and is about to be kept."""

    def published(self, output: Output) -> None:
        """The bus has acknowledged all messages of an output."""

    def stored(self, output: Output) -> None:
        """The store has acknowledged all rows of an output but its states."""


class Unobserved:
    """Keeps no figures. See `Observer`."""

    def step(self, name: Step) -> AbstractContextManager[None]:  # noqa: ARG002 - the protocol's shape
        """See `Observer.step`."""
        return nullcontext()

    def judged(self, records: Sequence[Record], output: Output) -> None:
        """See `Observer.judged`."""

    def published(self, output: Output) -> None:
        """See `Observer.published`."""

    def stored(self, output: Output) -> None:
        """See `Observer.stored`."""
