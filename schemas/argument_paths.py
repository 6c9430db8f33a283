"""Where in a tool's arguments a value stands: `amount`, `items[0].price`, `items[*].price`."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import lru_cache
from typing import Any

MAX_STEPS = 16

_REMEDY = "write amount, items[0].price or items[*].price"

_STEP = re.compile(r"(?:^|\.)([^.\[\]]+)|\[(\d{1,6}|\*)\]")

EVERY = "*"
"""The step that stands for every entry of a list."""

Steps = tuple[str | int, ...]


@lru_cache(maxsize=4096)
def parse_path(path: str) -> Steps:
    """The steps of a path: names, places in a list, `EVERY`.

    Raises:
        ValueError: the path is none; the message says what to write.
    """
    steps: list[str | int] = []
    at = 0
    while at < len(path):
        found = _STEP.match(path, at)
        if found is None or (not steps and (found[1] is None or path.startswith("."))):
            raise ValueError(f"{path!r} is no path: {_REMEDY}")
        place = found[2]
        steps.append(found[1] if place is None else place if place == EVERY else int(place))
        at = found.end()
    if not steps or len(steps) > MAX_STEPS:
        raise ValueError(f"{path!r} is no path of 1 to {MAX_STEPS} steps: {_REMEDY}")
    return tuple(steps)


def values_at(arguments: Any, path: str) -> Iterator[tuple[str, Any]]:
    """Every value that stands there, with its own path as a JSON pointer; nothing where there is none."""
    yield from _under(arguments, parse_path(path), "")


def _under(value: Any, steps: Steps, pointer: str) -> Iterator[tuple[str, Any]]:
    if not steps:
        yield pointer, value
        return
    step, rest = steps[0], steps[1:]
    if isinstance(step, int):
        if isinstance(value, list) and step < len(value):
            yield from _under(value[step], rest, f"{pointer}/{step}")
    elif isinstance(value, dict):
        if step in value:
            yield from _under(value[step], rest, f"{pointer}/{step.replace('~', '~0').replace('/', '~1')}")
    elif step == EVERY and isinstance(value, list):
        for index, inner in enumerate(value):
            yield from _under(inner, rest, f"{pointer}/{index}")
