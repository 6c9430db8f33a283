"""What a sequence is: events, and the findings that they must lead to."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any

from watchkeeper.schemas.events import Event
from watchkeeper.schemas.failure_modes import FailureMode, Severity
from watchkeeper.schemas.findings import Finding
from watchkeeper.stream_processors.detection.sequences.story import START_US, Story


class Scene:
    """Where a sequence is told: one session or several, in a tenant of their own.

    Attributes:
        stories: the sessions, in the order in which they were begun.
        silence_seconds: how long nothing comes after the last event; ticks see it.
    """

    def __init__(self, tenant: str, start_us: int = START_US) -> None:
        self.tenant = tenant
        self.start_us = start_us
        self.stories: list[Story] = []
        self.silence_seconds = 0.0

    def story(self, **told: Any) -> Story:
        """Begins a session; see `Story`. It is named after its place unless `session` is given."""
        told.setdefault("session", f"s-{len(self.stories) + 1}")
        told.setdefault("start_us", self.start_us + len(self.stories))
        story = Story(tenant=self.tenant, **told)
        self.stories.append(story)
        return story

    @property
    def events(self) -> list[Event]:
        """All events in the order of their times; those of one session stay in the order in which they were told."""
        return [event for _, event in sorted(self._timed(), key=lambda timed: timed[0])]

    def _timed(self) -> list[tuple[int, Event]]:
        timed = []
        for story in self.stories:
            latest = 0
            for event in story.events:
                latest = max(latest, round(event.occurred_at.timestamp() * 1_000_000))
                timed.append((latest, event))
        return timed


@dataclass(frozen=True, slots=True)
class Fires:
    """Findings that a sequence must lead to.

    Attributes:
        kind: the shape of their evidence.
        failure_mode: their mode; the sequence's own, if None.
        severity: None for any.
        evidence: fields of the evidence that must have these values.
        times: how many of them.
        status: as people see them at the end.
    """

    kind: str
    failure_mode: FailureMode | None = None
    severity: Severity | None = None
    evidence: Mapping[str, Any] = field(default_factory=lambda: MappingProxyType({}))
    times: int = 1
    status: str = "open"

    def matches(self, finding: Finding, mode: FailureMode) -> bool:
        """Whether the finding is one of these."""
        told = finding.evidence.model_dump(mode="json")
        return (
            finding.failure_mode == (self.failure_mode or mode)
            and finding.kind == self.kind
            and finding.severity == (self.severity or finding.severity)
            and finding.status == self.status
            and all(told.get(name) == value for name, value in self.evidence.items())
        )


@dataclass(frozen=True, slots=True)
class Sequence:
    """Events, and the findings that they must lead to: these, and no others of any mode.

    Attributes:
        name: in kebab case; unique within its mode.
        mode: the failure mode that it is about.
        says: one sentence: what happens, as a person would tell it.
        tell: tells the events.
        fires: what must be found; nothing for a near miss.
    """

    name: str
    mode: FailureMode
    says: str
    tell: Callable[[Scene], None]
    fires: tuple[Fires, ...] = ()

    @property
    def tenant(self) -> str:
        """The tenant in which it is told: no other sequence's findings stand there."""
        return f"{self.mode}.{self.name}"

    def told(self, later_us: int = 0) -> Scene:
        """The scene after it was told; all of it so much later."""
        scene = Scene(self.tenant, START_US + later_us)
        self.tell(scene)
        return scene

    def faults(self, findings: list[Finding]) -> list[str]:
        """What the findings, as people see them at the end, lack or have too much; empty where all is right."""
        left = list(findings)
        faults = []
        for expected in self.fires:
            matching = [finding for finding in left if expected.matches(finding, self.mode)]
            if len(matching) != expected.times:
                faults.append(f"{len(matching)} instead of {expected.times} findings {expected}")
            for finding in matching:
                left.remove(finding)
        return faults + [f"nobody expected {one.failure_mode}/{one.kind}: {one.summary}" for one in left]
