"""The sessions that may become cases: chosen at random among those that ended, read, and looked at for what bars them.

There may be millions. So many are read as are needed: of each intent and way of ending a part, chosen by hash, with the
number of sessions that each of them stands for.
"""

from __future__ import annotations

import hashlib
import heapq
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final, Literal, Protocol, TypeAlias

from watchkeeper.evals.interaction import Interaction
from watchkeeper.evals.reading.reader import SessionRef
from watchkeeper.evals.suites.allocation import allocate
from watchkeeper.evals.suites.case import ConsentClass
from watchkeeper.evals.suites.cutting import Cut, cut_of
from watchkeeper.schemas.envelope import Origin

READ_AT_LEAST: Final = 1500
READ_FOR_EACH: Final = 6
"""Sessions that are read for each case that is asked for: enough to choose different ones."""

_LEAST_OF_A_KIND: Final = 30
_LONGEST: Final = 400_000

Reason: TypeAlias = Literal["incomplete", "no_request", "too_long", "regulated"]
"""Why a session is no candidate: events or texts of it are missing; nobody asked anything that was answered; it is
longer than a case may be; it is under long retention, and the ground of consent does not cover that."""

OnProgress: TypeAlias = Callable[[str, int], None]
"""Told what is being done, and how many sessions so far."""


class Reading(Protocol):
    """Reads sessions; `reading.reader.InteractionReader` does."""

    def ended_between(
        self, tenant: str, since: datetime, until: datetime, *, agent: str = "", origin: str = ""
    ) -> Iterator[SessionRef]:
        """The sessions that ended in a span of time."""

    def each(self, tenant: str, ids: Iterable[str]) -> Iterator[Interaction]:
        """Sessions as interactions."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which sessions a suite is drawn from.

    Attributes:
        size: how many cases.
        consent: on what ground texts are kept.
    """

    tenant: str
    agent: str
    since: datetime
    until: datetime
    size: int
    seed: int = 0
    origin: Origin = "live"
    consent: ConsentClass = "legitimate_interest"


@dataclass(frozen=True, slots=True)
class Candidate:
    """A session that may become a case.

    Attributes:
        weight: how many sessions it stands for.
    """

    interaction: Interaction
    cut: Cut
    weight: float = 1.0


@dataclass(slots=True)
class Pool:
    """What was found.

    Attributes:
        sessions: how many ended.
        read: how many of them were read.
        left_out: how many of those are no candidates, by reason.
    """

    candidates: list[Candidate] = field(default_factory=list)
    sessions: int = 0
    read: int = 0
    left_out: Counter[str] = field(default_factory=Counter)


def gather(reading: Reading, wanted: Wanted, told: OnProgress = lambda _what, _many: None) -> Pool:
    """Finds candidates.

    Raises:
        WatchkeeperError: the store does not answer.
    """
    pool = Pool()
    chosen = _chosen(reading, wanted, pool, told)
    for interaction in reading.each(wanted.tenant, list(chosen)):
        pool.read += 1
        told("reading sessions", pool.read)
        found = judge(interaction, wanted.consent, chosen[interaction.interaction_id])
        if isinstance(found, Candidate):
            pool.candidates.append(found)
        else:
            pool.left_out[found] += 1
    # In no order that depends on when they ran, and in the same one each time.
    pool.candidates.sort(key=lambda one: _place(wanted.seed, one.interaction.interaction_id))
    return pool


def judge(interaction: Interaction, consent: ConsentClass, weight: float = 1.0) -> Candidate | Reason:
    """A session as a candidate, or why it is none."""
    if interaction.retention_class == "regulated" and consent == "legitimate_interest":
        return "regulated"
    cut = cut_of(interaction.turns)
    if cut is None:
        return "no_request"
    if not interaction.complete:
        return "incomplete"
    if sum(len(turn.text) for turn in (*cut.shown, *cut.answer)) > _LONGEST:
        return "too_long"
    return Candidate(interaction, cut, weight)


def _chosen(reading: Reading, wanted: Wanted, pool: Pool, told: OnProgress) -> Mapping[str, float]:
    """The sessions to read, and how many each stands for."""
    most = max(READ_AT_LEAST, READ_FOR_EACH * wanted.size)
    counts: Counter[str] = Counter()
    nearest: dict[str, list[tuple[float, str]]] = {}
    for ref in reading.ended_between(
        wanted.tenant, wanted.since, wanted.until, agent=wanted.agent, origin=wanted.origin
    ):
        pool.sessions += 1
        if pool.sessions % 1000 == 0:
            told("listing sessions", pool.sessions)
        kind = _kind(ref)
        counts[kind] += 1
        heap = nearest.setdefault(kind, [])
        # The smallest hashes are kept, on a heap whose head is the largest of them.
        entry = (-_place(wanted.seed, ref.session_id), ref.session_id)
        if len(heap) < most:
            heapq.heappush(heap, entry)
        elif entry > heap[0]:
            heapq.heapreplace(heap, entry)
    told("listing sessions", pool.sessions)
    parts = allocate(counts, counts, most, minimum=_LEAST_OF_A_KIND)
    return {
        session: counts[kind] / parts[kind]
        for kind, heap in nearest.items()
        for _, session in sorted(heap, reverse=True)[: parts[kind]]
    }


def _kind(ref: SessionRef) -> str:
    """What is known of a session without reading it: so that few failed ones among many are not overlooked."""
    ended = "well" if ref.status == "completed" else "badly"
    found = "found" if any(ref.findings.get(severity) for severity in ("medium", "high", "critical")) else "quiet"
    return f"{ref.intent}/{ended}/{found}"


def _place(seed: int, session_id: str) -> float:
    """A number from 0 to 1, of this seed and session."""
    digest = hashlib.blake2b(f"{seed}/{session_id}".encode(), digest_size=8).digest()
    return int.from_bytes(digest) / 2**64
