"""What rules of stage 2 keep of alarms that begin and end, and of signals that may come twice."""

from __future__ import annotations

from dataclasses import dataclass

from watchkeeper.schemas.signals import SignalBase

MAX_REPEATS = 64
"""Signals of ticks that are remembered: they come again only after a crash, and then all of them soon."""


@dataclass(slots=True)
class Episode:
    """What a finding about an episode is made of.

    Attributes:
        since: what it is named by: the bucket in which it began.
    """

    since: int
    revision: int
    resolved: bool


Episodes = dict[str, list[int]]
"""`[since, revision, 1 while it is open]`, by what it is about."""


def move(episodes: Episodes, about: str, bucket: int, *, burning: bool | None) -> Episode | None:
    """Begins or ends an episode; None where nothing changes.

    Args:
        episodes: changed in place.
        about: what it is about.
        bucket: the one at hand. Begun again in the bucket in which it had begun it is the same, gone on.
        burning: None within the margin: what is open stays open, what is not does not begin.
    """
    known = episodes.get(about)
    is_open = known is not None and bool(known[2])
    if burning is None or burning == is_open:
        return None
    if known is None or (burning and known[0] != bucket):
        known = episodes[about] = [bucket, 0, 1]
    else:
        known = episodes[about] = [known[0], known[1] + 1, int(burning)]
    return Episode(known[0], known[1], not burning)


def is_repeat(seen: list[str], signal: SignalBase) -> bool:
    """Whether the signal was taken in before: one of a tick, which has no position; `seen` is changed in place."""
    if signal.source_offset is not None:
        return False
    if signal.signal_id in seen:
        return True
    seen.append(signal.signal_id)
    del seen[:-MAX_REPEATS]
    return False
