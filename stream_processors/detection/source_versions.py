"""The versions of a source that a session saw, and whether one of them was left behind."""

from __future__ import annotations

import re
from typing import TypedDict

from watchkeeper.schemas.policy_facts import moment_of
from watchkeeper.stream_processors.detection.fingerprints import short

MAX_SEEN = 8
"""Versions of a source that are remembered."""

_NUMBERED = re.compile(r"[A-Za-z]{0,8}[-.]?(\d{1,18}(?:\.\d{1,18}){0,5})")


class Versions(TypedDict):
    """The versions of one source.

    Attributes:
        seen: oldest first; the last is the newest.
        step: where the newest was seen.
    """

    seen: list[str]
    step: str


def see(versions: Versions, version: str, step: str) -> None:
    """Takes in a version that stands at a step."""
    version = short(version)
    if version in versions["seen"] or is_older(version, versions):
        return
    versions["seen"] = [*versions["seen"], version][-MAX_SEEN:]
    versions["step"] = step


def is_older(version: str, versions: Versions) -> bool:
    """Whether a newer one was seen: by number or time where both tell one, by the order in which they came else."""
    version = short(version)
    seen = versions["seen"]
    if not seen or version == seen[-1]:
        return False
    one, newest = _order(version), _order(seen[-1])
    if one is not None and newest is not None and one[0] == newest[0]:
        return one < newest
    return version in seen[:-1]


def _order(version: str) -> tuple[str, tuple[float, ...]] | None:
    numbered = _NUMBERED.fullmatch(version)
    if numbered:
        return "number", tuple(int(part) for part in numbered[1].split("."))
    moment = moment_of(version)
    return None if moment is None else ("moment", (moment.timestamp(),))
