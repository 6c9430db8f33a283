"""Names with wildcards, as policies and grants write them: `orders/*` covers `orders/17` and `orders/17/items`.

A `*` stands for any run of characters, none included, slashes too; nothing else is special. Matching is linear in
the value's length for each part of the pattern.
"""

from __future__ import annotations

from collections.abc import Iterable
from urllib.parse import unquote


def covers(pattern: str, value: str) -> bool:
    """Whether the pattern covers the whole value, letter for letter."""
    first, *rest = pattern.split("*")
    if not rest:
        return pattern == value
    last = rest.pop()
    if len(value) < len(first) + len(last) or not value.startswith(first) or not value.endswith(last):
        return False
    at, end = len(first), len(value) - len(last)
    for part in rest:
        found = value.find(part, at, end)
        if found < 0:
            return False
        at = found + len(part)
    return True


def permits(patterns: Iterable[str], value: str) -> bool:
    """Whether a list of what is allowed covers the value.

    `orders/../payroll` is not in `orders/*`, however it is spelled: a value that climbs is covered only where a
    pattern says it letter for letter.
    """
    if climbs(value):
        return any(pattern == value for pattern in patterns)
    return any(covers(pattern, value) for pattern in patterns)


def refuses(patterns: Iterable[str], value: str) -> bool:
    """Whether a list of what is refused covers the value, in any spelling: letter case, `./`, `//`, `..`, `%2e`."""
    spellings = spellings_of(value)
    return any(covers(pattern.casefold(), spelling) for pattern in patterns for spelling in spellings)


def spellings_of(value: str) -> set[str]:
    """The spellings of a value that are held against what is refused, in small letters."""
    return {value.casefold(), plain_path(value).casefold()}


def climbs(value: str) -> bool:
    """Whether a path goes up (`..`), percent-encoded or not."""
    return ".." in value.replace("\\", "/").split("/") or (
        "%" in value and ".." in unquote(unquote(value)).replace("\\", "/").split("/")
    )


def plain_path(value: str) -> str:
    """A path with what leads nowhere taken out: `a/./b//c/../d` is `a/b/d`."""
    spelled = (unquote(unquote(value)) if "%" in value else value).replace("\\", "/")
    kept: list[str] = []
    steps = spelled.split("/")
    for index, step in enumerate(steps):
        if step == ".." and kept and kept[-1] not in {"", ".."}:
            kept.pop()
        elif step not in {"", "."} or (index == 0 and not step):
            kept.append(step)
    return "/".join(kept)
