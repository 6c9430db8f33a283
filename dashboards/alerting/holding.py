"""Why a finding is not told at once: somebody muted its like, a maintenance window is open, or it is old news."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

from watchkeeper.dashboards.alerting.config import AlertsConfig, Maintenance
from watchkeeper.dashboards.alerting.config_file import parse_time
from watchkeeper.schemas.findings import Finding
from watchkeeper.schemas.model import from_us, to_us
from watchkeeper.schemas.verdicts import about_of
from watchkeeper.schemas.wildcards import covers

BACKLOG_US = 30_000_000
"""Old news is gathered for so long before it is told in one summary."""

MuteKey = tuple[str, str, str, str, str]
"""Tenant, rule, agent, kind, and what it is about."""


@dataclass(frozen=True, slots=True)
class Mute:
    """Somebody does not want to see findings like one for a while.

    Attributes:
        until_us: when that ends.
        by: who said so.
        reason: and why.
    """

    key: MuteKey
    until_us: int
    by: str
    reason: str


@dataclass(frozen=True, slots=True)
class Hold:
    """A finding is held back.

    Attributes:
        name: what holds it: findings held by the same are one alert.
        until_us: when they are told.
        why: for people.
    """

    name: str
    until_us: int
    why: str


@dataclass(frozen=True, slots=True)
class _Window:
    since_us: int
    until_us: int
    window: Maintenance


@dataclass(slots=True)
class Holding:
    """What holds findings back now.

    Args:
        config: its maintenance windows.
    """

    config: AlertsConfig
    mutes: dict[MuteKey, Mute] = field(default_factory=dict)
    _windows: list[_Window] = field(default_factory=list)

    def __post_init__(self) -> None:
        """Reads the windows' times."""
        self._windows = [
            _Window(to_us(parse_time(one.since)), to_us(parse_time(one.until)), one) for one in self.config.maintenance
        ]

    def muted(self, mutes: Iterable[Mute]) -> None:
        """What people say now, in place of what they said before."""
        self.mutes = {mute.key: mute for mute in mutes}

    def of(self, finding: Finding, now_us: int) -> Hold | None:
        """What holds a finding back; None where it is to be told."""
        mute = self.mutes.get(mute_key(finding)) if self.mutes else None
        if mute is not None and mute.until_us > now_us:
            until = _spoken(mute.until_us)
            name = "|".join(("mute", *mute.key))
            return Hold(name, mute.until_us, f"muted until {until} by {mute.by}: {mute.reason}")
        for one in self._windows:
            if one.since_us <= now_us < one.until_us and _covers(one.window, finding):
                window = one.window
                why = f"maintenance {window.name} until {_spoken(one.until_us)}: {window.reason}"
                return Hold(f"maintenance|{window.name}|{one.since_us}", one.until_us, why)
        if to_us(finding.detected_at) < now_us - round(self.config.stale_seconds * 1_000_000):
            why = "found long before the router heard of it: it was not running, or the pipeline was behind"
            return Hold("backlog", now_us + BACKLOG_US, why)
        return None


def mute_key(finding: Finding) -> MuteKey:
    """By which a mute holds on findings alike."""
    about = about_of(finding.evidence.model_dump(mode="json"))
    return (finding.tenant_id, finding.rule_id, finding.agent_id, finding.kind, about)


def _covers(window: Maintenance, finding: Finding) -> bool:
    return (
        (not window.modes or finding.failure_mode in window.modes)
        and (not window.agents or any(covers(pattern, finding.agent_id) for pattern in window.agents))
        and (not window.tenants or any(covers(pattern, finding.tenant_id) for pattern in window.tenants))
    )


def _spoken(us: int) -> str:
    return f"{from_us(us):%Y-%m-%d %H:%M} UTC"
