"""Which versions of an agent were first seen when, so that the one that came before a change can be named."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final, Literal, TypeAlias, get_args

What: TypeAlias = Literal["agent_version", "model", "prompt_version"]
WHATS: Final[tuple[What, ...]] = get_args(What)

MAX_VERSIONS: Final = 12
"""Of each kind; those whose latest session is the oldest are forgotten."""

Seen: TypeAlias = dict[str, dict[str, list[int]]]
"""By kind and name: `[first, latest]`, epoch microseconds."""


def see(seen: Seen, named: Mapping[str, str], at_us: int) -> bool:
    """Takes in what a session ran with; whether any of it is new, though others of its kind were known."""
    is_release = False
    for what in WHATS:
        name = named.get(what, "")
        if not name:
            continue
        known = seen.setdefault(what, {})
        if name in known:
            first, latest = known[name]
            known[name] = [min(first, at_us), max(latest, at_us)]
            continue
        is_release = is_release or bool(known)
        known[name] = [at_us, at_us]
        if len(known) > MAX_VERSIONS:
            del known[min(known, key=lambda one: known[one][1])]
    return is_release


def first_between(seen: Seen, after_us: int, until_us: int) -> list[tuple[What, str, int]]:
    """What was first seen between two moments: kind, name and when, the earliest first."""
    found = [
        (what, name, first)
        for what in WHATS
        for name, (first, _) in seen.get(what, {}).items()
        if after_us < first <= until_us
    ]
    return sorted(found, key=lambda one: (one[2], one[0], one[1]))
