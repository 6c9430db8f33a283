"""Contents as they are compared: without what Grafana adds, with a fingerprint, and with their differences by path."""

from __future__ import annotations

import difflib
import hashlib
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

Json = dict[str, Any]

_NAMES: Final = ("uid", "id", "refId", "name", "title")
"""By which of its fields an element of a list is recognised: the first that all have, each with a value of its own."""
_MISSING: Final = object()


def fingerprint(content: Mapping[str, Any]) -> str:
    """32 hexadecimal digits that stand for a content: the same for the same, whatever the order of its keys."""
    text = json.dumps(content, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return hashlib.sha256(text.encode()).hexdigest()[:32]


def without(content: Mapping[str, Any], *names: str) -> Json:
    """A content without some of its fields."""
    return {name: value for name, value in content.items() if name not in names}


@dataclass(frozen=True, slots=True)
class Difference:
    """One place in which two contents differ.

    Attributes:
        path: `panels[Sessions].targets[A].rawSql`.
        there: as Grafana has it; None where it has nothing there.
        here: as it would be deployed; None where it is not.
    """

    path: str
    there: Any
    here: Any

    def lines(self) -> list[str]:
        """For people: the path, then `-` what Grafana has and `+` what would be deployed; of long texts the hunks."""
        if isinstance(self.there, str) and isinstance(self.here, str) and "\n" in self.there + self.here:
            hunks = difflib.unified_diff(self.there.splitlines(), self.here.splitlines(), lineterm="", n=1)
            told = [line for line in hunks if not line.startswith(("---", "+++"))]
        else:
            told = [
                f"{sign} {_told(value)}" for sign, value in (("-", self.there), ("+", self.here)) if value is not None
            ]
        return [self.path, *(f"  {line}" for line in told)]


def differences(there: Any, here: Any, path: str = "") -> Iterator[Difference]:
    """Where two contents differ, as deep as they are alike."""
    if isinstance(there, dict) and isinstance(here, dict):
        for name in sorted(there.keys() | here.keys()):
            inner = f"{path}.{name}" if path else name
            yield from _one(there.get(name, _MISSING), here.get(name, _MISSING), inner)
    elif isinstance(there, list) and isinstance(here, list):
        yield from _of_lists(there, here, path)
    elif there != here:
        yield Difference(path, there, here)


def _one(there: Any, here: Any, path: str) -> Iterator[Difference]:
    if there is _MISSING or here is _MISSING:
        yield Difference(path, None if there is _MISSING else there, None if here is _MISSING else here)
    else:
        yield from differences(there, here, path)


def _of_lists(there: list[Any], here: list[Any], path: str) -> Iterator[Difference]:
    name = _name_of_elements(there, here)
    if name is None:
        if len(there) == len(here):
            for number, (left, right) in enumerate(zip(there, here, strict=True)):
                yield from differences(left, right, f"{path}[{number}]")
        else:
            yield Difference(path, there, here)
        return
    left = {one[name]: one for one in there}
    right = {one[name]: one for one in here}
    for key in dict.fromkeys([*left, *right]):
        label = (right[key] if key in right else left[key]).get("title") or key
        yield from _one(left.get(key, _MISSING), right.get(key, _MISSING), f"{path}[{label}]")
    if left != right or list(left) == list(right):
        return
    yield Difference(f"{path} (order)", list(left), list(right))


def _name_of_elements(there: list[Any], here: list[Any]) -> str | None:
    for name in _NAMES:
        if all(
            all(isinstance(one, dict) and isinstance(one.get(name), (str, int)) for one in side)
            and len({one[name] for one in side}) == len(side)
            for side in (there, here)
        ):
            return name
    return None


def _told(value: Any) -> str:
    text = json.dumps(value, ensure_ascii=False, sort_keys=True)
    return text if len(text) <= 200 else f"{text[:197]}..."
