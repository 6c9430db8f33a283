"""Recorded sessions as grounds: retold message by message, with what is planted between them as part of it."""

from __future__ import annotations

import gzip
import os
from collections.abc import Iterator, Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import orjson

from scorecard.ground import Beat
from watchkeeper.producers import ManualClock
from watchkeeper.producers.importers.forms import read_line
from watchkeeper.producers.importers.model import RecordedMessage, RecordedSession
from watchkeeper.producers.importers.retelling import Retelling
from watchkeeper.producers.importers.times import Span, timeline_of

if TYPE_CHECKING:
    from scorecard.desk import Desk

ROOT: Final = Path(__file__).parents[2]
PLACE: Final = Path(os.environ.get("WATCHKEEPER_RECORDINGS") or ROOT.parent / "shared" / "trajectories")
"""As the tests of the recordings have it."""

NAMES: Final = ("tau2_bench", "toolbench_chatgpt", "trail")
MOST_BYTES: Final = 60_000
"""Recordings longer than this are not planted into: the longest twentieth, which would be most of the run's bytes."""


def present() -> list[str]:
    """The recordings that are there."""
    return [name for name in NAMES if (PLACE / f"{name}.jsonl.gz").exists()]


@cache
def _lines() -> tuple[bytes, ...]:
    # Without tools nothing could be planted that is about tools.
    return tuple(
        line for name in present() for line in _read(name) if len(line) <= MOST_BYTES and orjson.loads(line)["tools"]
    )


def _read(name: str) -> Iterator[bytes]:
    with gzip.open(PLACE / f"{name}.jsonl.gz", "rb") as file:
        yield from (line for line in file if line.strip())


def grounds() -> Sequence[int]:
    """Numbers of the recordings that can be planted into."""
    return range(len(_lines()))


@cache
def whole_grounds() -> Sequence[int]:
    """Those of them in which every result of a tool stands as the tool gave it."""
    return [number for number, line in enumerate(_lines()) if all(map(_is_whole, orjson.loads(line)["messages"]))]


def _is_whole(message: Mapping[str, Any]) -> bool:
    if message.get("truncated"):
        return False
    return message.get("role") != "tool" or message.get("content") is not None


class _Later(ManualClock):
    """The desk's clock as a recording sets it: shifted to the desk's time."""

    def __init__(self, desk: Desk, began_us: int) -> None:
        super().__init__(began_us)
        self._desk = desk
        self._shift_us = desk.now_us - began_us

    def set(self, at_us: int) -> None:
        self._desk.clock.set(max(self._desk.now_us, at_us + self._shift_us + self._desk.spent_us))

    def __call__(self) -> int:
        return self._desk.now_us


class Recording:
    """One recorded session. It serves one desk.

    Args:
        number: which of `grounds`.
    """

    def __init__(self, number: int) -> None:
        found = read_line(_lines()[number], None)
        assert isinstance(found, RecordedSession)
        self._recorded = found
        self._timeline = timeline_of(found)
        self._next = 0
        self.agent = found.agent or "imported"
        self.policy: Mapping[str, Any] | None = None
        self.tools: Sequence[Mapping[str, Any]] | None = found.tools
        self.model = found.model
        exposed = any(message.reasoning for message in found.messages)
        self.told: Mapping[str, Any] = {"reasoning_exposed": "full" if exposed else "none"}

    @property
    def calls(self) -> list[tuple[str, Any]]:
        """The calls of the recording, names and arguments as recorded."""
        return [(call.name, call.arguments) for message in self._recorded.messages for call in message.calls]

    def seams(self) -> Sequence[int]:
        """See `Ground.seams`: not between a call and its result, and not before anybody spoke."""
        messages = self._recorded.messages
        found = [
            index
            for index, message in enumerate(messages)
            if index > 1 and not message.is_result and not messages[index - 1].calls
        ]
        return found or [len(messages) - 1]

    def beats(self, desk: Desk) -> Sequence[Beat]:
        """See `Ground.beats`."""
        clock = _Later(desk, self._timeline.began_us)
        retelling = Retelling(self._recorded, self._timeline, desk.session, desk.identity, clock)

        def beat(desk: Desk) -> None:
            retelling.tell_message(self._next)
            desk.messages.append(dict(self._recorded.messages[self._next].shown))
            self._next += 1

        return [beat] * len(self._recorded.messages)

    def note(self, messages: Sequence[Mapping[str, Any]]) -> None:
        """See `Ground.note`: later requests show the model what was planted, too."""
        at = self._next
        before_us = self._timeline.spans[at - 1].done_us if at else self._timeline.began_us
        told = [RecordedMessage(role=str(message["role"]), shown=message) for message in messages]
        self._recorded.messages[at:at] = told
        self._timeline.spans[at:at] = [Span(before_us, before_us, measured=False) for _ in told]
        self._next += len(told)


def labels_of(name: str) -> Iterator[dict[str, Any]]:
    """The recorded sessions of one file, as they stand there."""
    yield from map(orjson.loads, _read(name))
