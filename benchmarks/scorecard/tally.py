"""What was found, put beside what was planted."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from scorecard.bundles import Bundle
from scorecard.model import Sought, chances
from scorecard.seen import UNJUDGED, Seen, fits, is_alarm, latest


@dataclass(frozen=True, slots=True)
class Performed:
    """A bundle without its events: what is left of it when it was sent.

    Attributes:
        sent: each record's session, first and last event's time, and when the broker had it, epoch microseconds;
            empty where nothing was sent.
    """

    tenant: str
    mode: str | None
    name: str
    sought: Sought | None
    recorded: bool
    sessions: frozenset[str]
    events: int
    sent: Sequence[tuple[str, int, int, int]] = ()

    @classmethod
    def of(cls, bundle: Bundle, sent: Sequence[tuple[str, int, int, int]] = ()) -> Performed:
        """What is kept of a bundle."""
        return cls(
            bundle.tenant,
            bundle.mode,
            bundle.name,
            bundle.sought,
            bundle.recorded,
            bundle.sessions,
            bundle.events,
            sent,
        )

    def due_us(self, one: Seen) -> int | None:
        """When a finding could have been made at the earliest: the broker had the event at which it was found.

        What silence shows is due when the silence had lasted so long.
        """
        before = [
            (last_us, sent_us)
            for session, first_us, last_us, sent_us in self.sent
            if first_us <= one.at_us and one.session_id in {None, session}
        ]
        if not before:
            return None
        last_us, sent_us = max(before)
        return sent_us + max(0, one.at_us - last_us)


@dataclass(slots=True)
class Counts:
    """How one recipe, or one mode, fared.

    Attributes:
        planted: all plants; `in_recordings` of them in recordings.
        seconds: from event to finding, of those found.
        missed: names of plants that nobody found.
    """

    planted: int = 0
    found: int = 0
    in_recordings: int = 0
    found_in_recordings: int = 0
    seconds: list[float] = field(default_factory=list)
    missed: list[str] = field(default_factory=list)

    def add(self, one: Performed, hit: Seen | None) -> None:
        """Counts one plant."""
        self.planted += 1
        self.in_recordings += one.recorded
        if hit is None:
            self.missed.append(one.tenant)
            return
        self.found += 1
        self.found_in_recordings += one.recorded
        due_us = one.due_us(hit)
        # A revision that closes it came later than what it was found by.
        if hit.is_open and hit.visible_us is not None and due_us is not None:
            self.seconds.append(max(0, hit.visible_us - due_us) / 1_000_000)


@dataclass(slots=True)
class Tally:
    """A whole run.

    Attributes:
        modes: by mode.
        recipes: by mode and recipe.
        clean_sessions: sessions in which nothing may be found; `near_sessions` of them belong to near misses. A whole
            history counts as one, see `chances`.
        near_misses: near misses performed, by mode and name.
        alarms: what was found in clean sessions: each finding once, whatever its revisions.
        alarms_of: how many alarms each near miss raised; those of jobs under `("", kind)`.
        notes: open findings of the severity `info` in clean sessions, by mode.
        unjudged: findings by which a rule said that it could not look, by mode.
        besides: what else was found in plants, by mode of the plant and of the finding; recordings left out, which
            hold failures of their own.
    """

    modes: dict[str, Counts] = field(default_factory=lambda: defaultdict(Counts))
    recipes: dict[tuple[str, str], Counts] = field(default_factory=lambda: defaultdict(Counts))
    clean_sessions: int = 0
    near_sessions: int = 0
    events: int = 0
    near_misses: Counter[tuple[str, str]] = field(default_factory=Counter)
    alarms: list[Seen] = field(default_factory=list)
    alarms_of: Counter[tuple[str, str]] = field(default_factory=Counter)
    notes: Counter[str] = field(default_factory=Counter)
    unjudged: Counter[str] = field(default_factory=Counter)
    besides: Counter[tuple[str, str]] = field(default_factory=Counter)

    def alarmed(self, mode: str | None = None, kinds: Collection[str] | None = None) -> int:
        """How many clean sessions, and subjects over them, alarmed: by one mode, or by any (each mode counts).

        Args:
            mode: None for all.
            kinds: of findings; None for all.
        """
        chosen = (one for one in self.alarms if mode in {None, one.mode} and (kinds is None or one.kind in kinds))
        return len({(one.mode, one.tenant, one.about) for one in chosen})


def tally(performed: Iterable[Performed], found: Iterable[Seen]) -> Tally:
    """Puts every finding to the bundle that it belongs to.

    Args:
        performed: all bundles.
        found: what was found, in every revision that is known.
    """
    by_tenant: dict[str, list[Seen]] = defaultdict(list)
    for one in found:
        by_tenant[one.tenant].append(one)
    counts = Tally()
    owners: dict[tuple[str, str], tuple[str, str]] = {}
    clean_tenants = set()
    for bundle in performed:
        counts.events += bundle.events
        if bundle.sought is not None and bundle.mode is not None:
            _plant(counts, bundle, bundle.sought, by_tenant.get(bundle.tenant, []))
            continue
        clean_tenants.add(bundle.tenant)
        sessions = chances(len(bundle.sessions))
        counts.clean_sessions += sessions
        owner = (bundle.mode or "", bundle.name)
        owners.update(((bundle.tenant, session), owner) for session in bundle.sessions)
        if bundle.mode is not None:
            counts.near_sessions += sessions
            counts.near_misses[owner] += 1
    for tenant in sorted(clean_tenants):
        _alarms(counts, by_tenant.get(tenant, []), owners)
    return counts


def _plant(counts: Tally, bundle: Performed, sought: Sought, found: Sequence[Seen]) -> None:
    mode = bundle.mode or ""
    hit = min((one for one in found if fits(sought, mode, one)), key=lambda one: one.at_us, default=None)
    counts.modes[mode].add(bundle, hit)
    counts.recipes[mode, bundle.name].add(bundle, hit)
    if not bundle.recorded:
        counts.besides.update((mode, one.mode) for one in latest(found) if one.mode != mode and is_alarm(one))


def _alarms(counts: Tally, found: Sequence[Seen], owners: Mapping[tuple[str, str], tuple[str, str]]) -> None:
    for one in latest(found):
        if not is_alarm(one):
            told = counts.unjudged if one.kind == UNJUDGED else counts.notes
            if one.is_open:
                told[one.mode] += 1
            continue
        counts.alarms.append(one)
        counts.alarms_of[owners.get((one.tenant, one.about), ("", one.about))] += 1
