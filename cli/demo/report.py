"""What came of a demo, as data: for the table, for machines, and for the exit code."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from statistics import median
from typing import Any

from watchkeeper.cli.demo.store import SessionSeen
from watchkeeper.producers.fleet.ledger import Entry
from watchkeeper.producers.fleet.matching import Seen, Tally
from watchkeeper.schemas.failure_modes import FAILURE_MODES


@dataclass(frozen=True, slots=True)
class Cost:
    """What the simulated sessions would have cost.

    Attributes:
        usd: of the requests that have a price.
        unpriced_requests: those that have none; they are not in `usd`.
        unpriced_models: the models that the price list does not know.
    """

    usd: float = 0.0
    unpriced_requests: int = 0
    unpriced_models: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class ModeTally:
    """How one failure mode went, over all scenarios.

    Attributes:
        scenarios: how many led to it.
        injected: findings that had to come.
        found: those of them that came.
        unexpected: findings that nobody injected.
        timed: the findings of which it can be said how soon they came.
    """

    mode: str
    scenarios: int
    injected: int
    found: int
    unexpected: int
    timed: tuple[Seen, ...]

    @property
    def passed(self) -> bool:
        """Whether all that was injected was found, and nothing else."""
        return self.found == self.injected and not self.unexpected


@dataclass(frozen=True, slots=True)
class Report:
    """What came of a demo.

    Attributes:
        tallies: by scenario, in the order of the registry.
        entries: the sessions that were played.
        sessions: the same as the store has them, by id.
        unsettled: sessions whose end never came out at the other end.
        losses: events lost before the broker, by reason.
        seconds: how long each phase took, by name.
    """

    seed: int
    tenant: str
    tallies: Mapping[str, Tally]
    entries: Sequence[Entry]
    sessions: Mapping[str, SessionSeen]
    unsettled: Sequence[str]
    losses: Mapping[str, int]
    seconds: Mapping[str, float] = field(default_factory=dict)

    @property
    def passed(self) -> bool:
        """Whether every injected failure was found, nobody was accused wrongly, and nothing was lost."""
        return all(tally.passed for tally in self.tallies.values()) and not self.unsettled and not self.losses

    @property
    def unexpected(self) -> list[tuple[str, Seen]]:
        """Findings that nobody injected, with the scenario of their session."""
        return [(tally.scenario, seen) for tally in self.tallies.values() for seen in tally.unexpected]

    @property
    def matched(self) -> list[Seen]:
        """Findings that were injected."""
        return [seen for tally in self.tallies.values() for seen in tally.matched]

    @property
    def timed(self) -> list[Seen]:
        """Findings that were injected and of which it can be said how soon they came."""
        return [seen for tally in self.tallies.values() for seen in tally.timed]

    @property
    def modes(self) -> list[ModeTally]:
        """The failure modes that were injected or found, in the order of the catalogue."""
        modes = {seen.failure_mode for _, seen in self.unexpected} | {seen.failure_mode for seen in self.matched}
        modes |= {one.expectation.failure_mode for tally in self.tallies.values() for one in tally.missing}
        return [self._mode(mode) for mode in FAILURE_MODES if mode in modes]

    def _mode(self, mode: str) -> ModeTally:
        tallies = self.tallies.values()
        found = sum(tally.found_of.get(mode, 0) for tally in tallies)
        missing = [[one.times for one in tally.missing if one.expectation.failure_mode == mode] for tally in tallies]
        return ModeTally(
            mode=mode,
            scenarios=sum(
                bool(tally.found_of.get(mode)) or bool(of) for tally, of in zip(tallies, missing, strict=True)
            ),
            injected=found + sum(map(sum, missing)),
            found=found,
            unexpected=sum(seen.failure_mode == mode for _, seen in self.unexpected),
            timed=tuple(seen for seen in self.timed if seen.failure_mode == mode),
        )

    @property
    def cost(self) -> Cost:
        """What the sessions would have cost."""
        rows = self.sessions.values()
        return Cost(
            usd=sum(row.cost_usd for row in rows),
            unpriced_requests=sum(row.unpriced_requests for row in rows),
            unpriced_models=tuple(sorted({row.model for row in rows if row.unpriced_requests})),
        )

    def cost_of(self, scenario: str) -> tuple[float, int]:
        """US dollars and unpriced requests of one scenario's sessions."""
        own = [self.sessions[entry.session_id] for entry in self._own(scenario)]
        return sum(row.cost_usd for row in own), sum(row.unpriced_requests for row in own)

    @property
    def most_telling(self) -> str | None:
        """The session to look at first: one that was stopped, else the one with the most findings."""
        stopped = [entry.session_id for entry in self.entries if entry.must_stop and entry.stopped_us is not None]
        ranked = sorted(self.sessions.values(), key=lambda row: (row.session_id in stopped, row.findings), reverse=True)
        return ranked[0].session_id if ranked and ranked[0].findings else None

    @property
    def most_telling_mode(self) -> str | None:
        """The failure mode that was found most often."""
        modes = [seen.failure_mode for seen in self.matched]
        return max(dict.fromkeys(modes), key=modes.count, default=None)

    def _own(self, scenario: str) -> list[Entry]:
        return [one for one in self.entries if one.scenario == scenario and one.session_id in self.sessions]

    def to_json(self) -> dict[str, Any]:
        """The report for machines."""
        cost = self.cost
        return {
            "passed": self.passed,
            "seed": self.seed,
            "tenant": self.tenant,
            "sessions": len(self.entries),
            "events": sum(row.events for row in self.sessions.values()),
            "injected": sum(tally.injected for tally in self.tallies.values()),
            "found": sum(tally.found for tally in self.tallies.values()),
            "unexpected": [{"scenario": scenario, **_finding(seen)} for scenario, seen in self.unexpected],
            "unsettled": list(self.unsettled),
            "losses": dict(self.losses),
            "must_stop": sum(tally.must_stop for tally in self.tallies.values()),
            "stopped": sum(tally.stopped for tally in self.tallies.values()),
            "seconds_to_finding": spread([seen.seconds_to_finding for seen in self.timed]),
            "seconds_to_visible": spread(
                [seen.seconds_to_visible for seen in self.timed if seen.seconds_to_visible is not None]
            ),
            "seconds_to_stop": spread([one for tally in self.tallies.values() for one in tally.seconds_to_stop]),
            "cost_usd": round(cost.usd, 6),
            "unpriced_requests": cost.unpriced_requests,
            "unpriced_models": list(cost.unpriced_models),
            "seconds": {name: round(value, 2) for name, value in self.seconds.items()},
            "modes": [
                {
                    "mode": one.mode,
                    "passed": one.passed,
                    "scenarios": one.scenarios,
                    "injected": one.injected,
                    "found": one.found,
                    "unexpected": one.unexpected,
                    "seconds_to_finding": spread([seen.seconds_to_finding for seen in one.timed]),
                }
                for one in self.modes
            ],
            "scenarios": [self._scenario(tally) for tally in self.tallies.values()],
        }

    def _scenario(self, tally: Tally) -> dict[str, Any]:
        usd, unpriced = self.cost_of(tally.scenario)
        return {
            "scenario": tally.scenario,
            "passed": tally.passed,
            "sessions": tally.sessions,
            "injected": tally.injected,
            "found": tally.found,
            "findings": [_finding(seen) for seen in tally.matched],
            "missing": [
                {
                    "agent": one.agent,
                    "session_id": one.session_id,
                    "failure_mode": one.expectation.failure_mode,
                    "kind": one.expectation.kind,
                    "times": one.times,
                }
                for one in tally.missing
            ],
            "unexpected": len(tally.unexpected),
            "must_stop": tally.must_stop,
            "stopped": tally.stopped,
            "seconds_to_stop": [round(one, 3) for one in tally.seconds_to_stop],
            "trouble": tally.trouble,
            "cost_usd": round(usd, 6),
            "unpriced_requests": unpriced,
        }


def spread(values: Sequence[float]) -> dict[str, float] | None:
    """Median and maximum, in seconds; None where there is nothing to measure."""
    return {"median": round(median(values), 3), "max": round(max(values), 3)} if values else None


def _finding(seen: Seen) -> dict[str, Any]:
    visible = seen.seconds_to_visible
    return {
        "finding_id": seen.finding_id,
        "session_id": seen.session_id,
        "agent": seen.agent_id,
        "failure_mode": seen.failure_mode,
        "kind": seen.kind,
        "severity": seen.severity,
        "summary": seen.summary,
        "seconds_to_finding": round(seen.seconds_to_finding, 3),
        "seconds_to_visible": None if visible is None else round(visible, 3),
    }
