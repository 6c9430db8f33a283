"""How far a state has read: in the log that it was read from, and over all logs.

A broker that forgot everything counts its offsets from 0 again, in another log. What a state has read there comes
after all that it read before, so its position grows on: of two workers that write one state, the one that has read
further must win, whoever writes last.
"""

from __future__ import annotations

from typing import Protocol


class Reading(Protocol):
    """A state that reads a log.

    Attributes:
        offset: the highest offset applied, in `log`; -1 before the first.
        log: names the log; "" where it is not known, which is held for the same.
        passed: offsets of earlier logs, together.
    """

    offset: int
    log: str
    passed: int


def covers(state: Reading, log: str, offset: int) -> bool:
    """Whether the state has seen this record, or a later one of its log: what is not newer there is a replay."""
    return offset <= state.offset and not _is_another(state, log)


def reach(state: Reading, log: str, offset: int) -> None:
    """Takes note of a record."""
    if _is_another(state, log):
        state.passed += state.offset + 1
        state.offset = offset
    else:
        state.offset = max(state.offset, offset)
    state.log = log or state.log


def position(state: Reading) -> int:
    """How far the state has read, over all logs."""
    return state.passed + state.offset


def _is_another(state: Reading, log: str) -> bool:
    return bool(log and state.log) and log != state.log
