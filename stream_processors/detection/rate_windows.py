"""A sliding window over calls, in bounded state: the call at which a rate limit is broken, and the episode it begins.

A limit of at most `EXACT` calls is counted exactly: a call breaks it if that many calls came less than the window's
length before it. One that arrives out of order is counted in the window that ends with the latest. Above it, times are
rounded down to a 64th of the window, so that the count is never too high and an alarm comes at most that much late.

An episode begins with the first call above the limit and lasts as long as another one follows within the window's
length: traffic that trembles about the limit is one episode. It is told at its first call and whenever the number of
calls above the limit has doubled.
"""

from __future__ import annotations

from bisect import insort
from typing import TypedDict

from watchkeeper.schemas.policy import RateLimit

EXACT = 64
"""Calls of a window that are remembered one by one."""


class RateWindow(TypedDict):
    """The window of one tool.

    Attributes:
        times: `[time, calls]`, oldest first.
        first: the call that began the episode; "" where none is open.
        first_us: its time.
        above: calls above the limit in this episode.
        last_us: the latest of them.
        more_at: the number of them at which to tell it again.
        revision: of what was told.
    """

    times: list[list[int]]
    first: str
    first_us: int
    above: int
    last_us: int
    more_at: int
    revision: int


def new_window() -> RateWindow:
    """An empty one."""
    return RateWindow(times=[], first="", first_us=0, above=0, last_us=0, more_at=1, revision=0)


def take(window: RateWindow, at_us: int, name: str, limit: RateLimit) -> bool:
    """Takes a call in.

    Args:
        window: changed in place.
        at_us: the call's time.
        name: the call's own, which an episode is called by.
        limit: the rate that is allowed.

    Returns:
        Whether there is something to tell: an episode began, or its calls have doubled.
    """
    length_us, grain_us = _lengths(limit)
    times = window["times"]
    # The latest remembered may have come any time within its grain.
    latest_us = max(at_us, times[-1][0] + grain_us - 1 if times else 0)
    times = window["times"] = [one for one in times if one[0] > latest_us - length_us]
    if at_us <= latest_us - length_us:
        return False
    _insert(times, at_us // grain_us * grain_us)
    above = sum(count for _, count in times) - limit.calls
    if above <= 0:
        return False
    for _ in range(above):
        times[0][1] -= 1
        if not times[0][1]:
            del times[0]
    return _go_on(window, at_us, name, length_us)


def would_exceed(window: RateWindow, at_us: int, limit: RateLimit) -> bool:
    """Whether a call made now would be above the limit; changes nothing."""
    length_us, _ = _lengths(limit)
    return sum(count for since, count in window["times"] if since > at_us - length_us) >= limit.calls


def take_back(window: RateWindow, at_us: int, limit: RateLimit) -> None:
    """Takes a call out that was refused before it ran."""
    _, grain_us = _lengths(limit)
    rounded = at_us // grain_us * grain_us
    for position, one in enumerate(window["times"]):
        if one[0] == rounded:
            one[1] -= 1
            if not one[1]:
                del window["times"][position]
            return


def _lengths(limit: RateLimit) -> tuple[int, int]:
    length_us = round(limit.seconds * 1_000_000)
    return length_us, 1 if limit.calls <= EXACT else max(1, length_us // EXACT)


def _insert(times: list[list[int]], at_us: int) -> None:
    for one in reversed(times):
        if one[0] == at_us:
            one[1] += 1
            return
        if one[0] < at_us:
            break
    insort(times, [at_us, 1])


def _go_on(window: RateWindow, at_us: int, name: str, length_us: int) -> bool:
    if not window["first"] or at_us - window["last_us"] > length_us:
        began = RateWindow(
            times=window["times"], first=name, first_us=at_us, above=1, last_us=at_us, more_at=2, revision=0
        )
        window.update(began)
        return True
    window["above"] += 1
    window["last_us"] = max(window["last_us"], at_us)
    if window["above"] < window["more_at"]:
        return False
    window["more_at"] *= 2
    window["revision"] += 1
    return True
