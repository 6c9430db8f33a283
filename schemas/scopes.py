"""Scopes, as grants write them: `orders:read`, `orders:*`, `refunds:write<=500`.

A scope is a name, by custom `resource:action`, in which a `*` stands for any run of characters (`wildcards`), and an
optional limit: the largest amount for which it holds. Nothing else is special: a text that does not end in `<=` and a
plain number is a name as it stands. A scope without a limit holds for every amount.

Whether one scope lies within another is decided exactly: every name that the narrower covers, the wider must cover.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from functools import lru_cache
from typing import NamedTuple

from watchkeeper.schemas.wildcards import covers

_LIMITED = re.compile(r"(.+?)\s*<=\s*(\d{1,15}(?:\.\d{1,9})?)", re.DOTALL)

_ANY_RUN = "\x00"
"""What a `*` of the narrower pattern becomes: a letter that nobody writes into names, so that only a `*` covers it."""


class Scope(NamedTuple):
    """A scope as it was read; `limit` is None where it holds for every amount."""

    pattern: str
    limit: float | None = None


@lru_cache(maxsize=4096)
def parse_scope(text: str) -> Scope:
    """Reads a scope. Every text is one."""
    limited = _LIMITED.fullmatch(text.strip())
    return Scope(text.strip()) if limited is None else Scope(limited[1], float(limited[2]))


def is_plain(text: str) -> bool:
    """Whether it names one thing, without wildcard and limit: what an action needs."""
    return bool(text.strip()) and "*" not in text and parse_scope(text).limit is None


def lies_within(narrower: str, wider: str) -> bool:
    """Whether all that the one scope allows, the other allows too."""
    inner, outer = parse_scope(narrower), parse_scope(wider)
    if outer.limit is not None and (inner.limit is None or inner.limit > outer.limit):
        return False
    if _ANY_RUN in outer.pattern:
        return inner.pattern == outer.pattern
    return covers(outer.pattern, inner.pattern.replace("*", _ANY_RUN))


def exceeding(scopes: Iterable[str], allowed: Iterable[str]) -> list[str]:
    """The scopes that no single one of those allowed contains. With unlimited names, no union of them does either."""
    known = tuple(allowed)
    return [scope for scope in scopes if not any(lies_within(scope, one) for one in known)]


def allows(scopes: Iterable[str], needed: str, amount: float | None) -> bool | None:
    """Whether an action is within the scopes; None where that hangs on its amount, which is not known."""
    hangs = False
    for scope in scopes:
        pattern, limit = parse_scope(scope)
        if not covers(pattern, needed):
            continue
        if limit is None or (amount is not None and amount <= limit):
            return True
        hangs = hangs or amount is None
    return None if hangs else False
