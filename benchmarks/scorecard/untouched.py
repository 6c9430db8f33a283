"""Recordings as they are: what alarms in them, under the default policy."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from scorecard import recorded
from scorecard.bundles import Bundle, in_order
from scorecard.recorders import Sink
from scorecard.seen import UNJUDGED, Seen, is_alarm, latest
from watchkeeper.producers.importers import Choices, Importer

PREFIX: Final = "recording-"
MOST_READ: Final = 50


@dataclass(frozen=True, slots=True)
class Untouched:
    """One recording.

    Attributes:
        alarms: by mode: open findings, but for notes and for those that say that a rule could not look (`unjudged`).
    """

    name: str
    sessions: int
    alarms: Counter[str]
    unjudged: int
    found: Sequence[Seen]


def path_of(name: str) -> Path:
    """Where a recording is."""
    return recorded.PLACE / f"{name}.jsonl.gz"


def tenant_of(name: str) -> str:
    """The tenant that it is imported under."""
    return f"{PREFIX}{name}"


def bundle_of(name: str) -> tuple[Bundle, int]:
    """A recording as the importer tells it, and how many sessions it has."""
    sink = Sink()
    report = Importer(lambda: sink, Choices(tenant=tenant_of(name))).run([path_of(name)])
    records = in_order(sink.take())
    sessions = frozenset(one.session_id for one in records)
    return Bundle(tenant_of(name), None, name, None, True, records, 0.0, sessions), report.sessions


def to_read(recordings: Iterable[Untouched], most: int = MOST_READ) -> list[Seen]:
    """The alarms that people read and judge: so many, or all; drawn by the hash of what they say, whatever the seed.

    So most of those that were read are drawn again when a rule has changed.
    """
    alarms = [one for recording in recordings for one in recording.found]
    return sorted(alarms, key=_hash)[:most]


def _hash(one: Seen) -> str:
    said = f"{one.tenant}\0{one.about}\0{one.mode}\0{one.kind}\0{one.at_us}"
    return hashlib.blake2b(said.encode(), digest_size=8).hexdigest()


def untouched(name: str, sessions: int, found: Iterable[Seen]) -> Untouched:
    """What was found in a recording, as last revised."""
    own = [one for one in latest(found) if one.tenant == tenant_of(name) and one.is_open]
    alarms = [one for one in own if is_alarm(one)]
    unjudged = sum(one.kind == UNJUDGED for one in own)
    return Untouched(name, sessions, Counter(one.mode for one in alarms), unjudged, alarms)
