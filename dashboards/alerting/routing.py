"""Which channels a finding goes to, and with which others it is one alert."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from watchkeeper.dashboards.alerting.alert import Pace, rank_of
from watchkeeper.dashboards.alerting.config import AlertsConfig, Match, Route, Timing
from watchkeeper.schemas.findings import Finding
from watchkeeper.schemas.wildcards import covers

_MICROSECONDS = 1_000_000


@dataclass(frozen=True, slots=True)
class Routed:
    """Where a finding goes.

    Attributes:
        channels: in the order of the routes; none where nobody is to be told.
        key: of the alert that it belongs to.
        pace: of that alert.
    """

    channels: tuple[str, ...]
    key: str
    pace: Pace


def route(config: AlertsConfig, finding: Finding) -> Routed | None:
    """What the routes say of a finding; None where none fits.

    The first route that fits takes it; those after it add their channels where it says `continue`. Group and timing
    are the first one's.
    """
    first: Route | None = None
    channels: dict[str, None] = {}
    steps: list[tuple[int, list[str]]] = []
    for one in config.routes:
        if not fits(one.match, finding):
            continue
        first = first or one
        channels.update(dict.fromkeys(one.channels))
        steps += [(round(step.after_seconds * _MICROSECONDS), list(step.channels)) for step in one.escalate]
        if not one.also:
            break
    if first is None:
        return None
    pace = pace_of(first.timing or config.timing)
    pace.escalate = sorted(steps, key=lambda step: step[0])
    return Routed(tuple(channels), _key(first, finding), pace)


def fits(match: Match, finding: Finding) -> bool:
    """Whether a finding is one of those that are meant."""
    return (
        finding.origin in match.origins
        and rank_of(finding.severity) >= rank_of(match.severity)
        and (not match.modes or finding.failure_mode in match.modes)
        and _any(match.kinds, finding.kind)
        and _any(match.agents, finding.agent_id)
        and _any(match.tenants, finding.tenant_id)
        and _any(match.environments, finding.environment)
    )


def takes_all_of(wide: Match, narrow: Match) -> bool:
    """Whether every finding that fits the second fits the first."""
    lists = ((wide.kinds, narrow.kinds), (wide.agents, narrow.agents), (wide.tenants, narrow.tenants))
    return (
        set(narrow.origins) <= set(wide.origins)
        and rank_of(wide.severity) <= rank_of(narrow.severity)
        and (not wide.modes or (bool(narrow.modes) and set(narrow.modes) <= set(wide.modes)))
        # A pattern that fits another pattern's text fits whatever that one fits: only `*` takes a `*`.
        and all(
            not patterns or (bool(others) and all(_any(patterns, other) for other in others))
            for patterns, others in (*lists, (wide.environments, narrow.environments))
        )
    )


def pace_of(timing: Timing) -> Pace:
    """The times in microseconds."""
    return Pace(
        gather_us=round(timing.gather_seconds * _MICROSECONDS),
        update_us=round(timing.update_seconds * _MICROSECONDS),
        longest_us=round(timing.longest_update_seconds * _MICROSECONDS),
        close_us=round(timing.close_seconds * _MICROSECONDS),
        cool_us=round(timing.cool_down_seconds * _MICROSECONDS),
    )


def tree_of(finding: Finding) -> str:
    """The delegation tree that a finding belongs to, by its root session; empty where it is about no session."""
    root = finding.root_session_id or finding.session_id
    return f"{finding.tenant_id}/{root}" if root else ""


def _any(patterns: Iterable[str], value: str) -> bool:
    patterns = tuple(patterns)
    return not patterns or any(covers(pattern, value) for pattern in patterns)


def _key(one: Route, finding: Finding) -> str:
    values = {
        "tenant": finding.tenant_id,
        "agent": finding.agent_id,
        "mode": finding.failure_mode,
        "kind": finding.kind,
        "severity": finding.severity,
        "environment": finding.environment,
        "version": finding.agent_version,
    }
    # A finding about no session stands for itself: an agent's quality in one family of graders, a tool's health.
    own = f"|{finding.subject}" if finding.session_id is None and finding.subject else ""
    return "|".join(f"{name}={values[name]}" for name in one.group_by) + own
