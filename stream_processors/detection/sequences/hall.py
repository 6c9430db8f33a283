"""Judges events as the worker does, in memory: both stages, each signal folded as soon as it is said."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from watchkeeper.schemas.events import Event
from watchkeeper.schemas.findings import Finding
from watchkeeper.schemas.model import to_us
from watchkeeper.schemas.signals import Signal
from watchkeeper.stream_processors.detection.catalogue import default_detectors
from watchkeeper.stream_processors.detection.detector import Detector
from watchkeeper.stream_processors.detection.hearing import Place, Verdict
from watchkeeper.stream_processors.detection.judge import Judge
from watchkeeper.stream_processors.detection.pricing import PriceBook
from watchkeeper.stream_processors.detection.sequences.prices import ListPrices
from watchkeeper.stream_processors.detection.sequences.sequence import Scene
from watchkeeper.stream_processors.detection.session import SessionState, load_session
from watchkeeper.stream_processors.detection.subject_rule import SubjectRule
from watchkeeper.stream_processors.detection.subjects import SubjectJudge, SubjectState, load_subject

CLOCK_AHEAD_US = 2_000_000
"""How far the host's clock is ahead of the events."""


class Hall:
    """Judges events as the worker does; keeps all verdicts.

    Args:
        detectors: the rules of stage 1; all, if None.
        rules: the rules of stage 2; all, if None.
        prices: the price book; that of the sequences, if None.
        stored: whether every state goes through the store after every event.
        strict: whether a rule that fails raises.
    """

    def __init__(
        self,
        detectors: Iterable[Detector[Any]] | None = None,
        *,
        rules: Iterable[SubjectRule[Any]] | None = None,
        prices: PriceBook | None = None,
        stored: bool = False,
        strict: bool = True,
    ) -> None:
        chosen = default_detectors() if detectors is None else detectors
        self.judge = Judge(chosen, prices=ListPrices() if prices is None else prices, strict=strict)
        self.stored = stored
        self.subject_judge = SubjectJudge(rules, strict=strict)
        self.sessions: dict[str, SessionState] = {}
        self.subjects: dict[str, SubjectState] = {}
        self.verdicts: list[Verdict] = []

    def hear(self, events: Iterable[Event], *, offset: int = 0, waiting: bool = False) -> Hall:
        """Judges events; the clock shows two seconds after each.

        Args:
            events: in the order in which the worker would read them.
            offset: the first event's in its log.
            waiting: whether time passes between events, as it does for sessions that act.
        """
        for index, event in enumerate(events):
            self.judge.learn(event)
            session = self.sessions.get(event.session_id) or self.judge.open(event)
            clock_us = to_us(event.occurred_at) + CLOCK_AHEAD_US
            place = Place(0, offset + index, 0)
            stamped_us = clock_us if waiting else None
            verdict = self.judge.step(session, event, clock_us=clock_us, place=place, stamped_us=stamped_us)
            self.sessions[event.session_id] = self._through_the_store(session)
            self._take(verdict, clock_us)
        return self

    def watch(self, scene: Scene) -> Hall:
        """Judges a scene, and the silence after it."""
        self.hear(scene.events, waiting=True)
        if scene.silence_seconds:
            for session in tuple(self.sessions):
                self.tick(scene.silence_seconds, session)
        return self

    def tick(self, seconds: float, session: str = "s-1") -> list[Finding]:
        """Lets `seconds` pass after the latest event without another."""
        state = self.sessions[session]
        clock_us = state.arrived_us + round(seconds * 1_000_000)
        verdict = self.judge.tick(state, clock_us=clock_us) or Verdict()
        self.sessions[session] = self._through_the_store(state)
        self._take(verdict, clock_us)
        return verdict.findings

    @property
    def findings(self) -> list[Finding]:
        """Every finding, in order."""
        return [finding for verdict in self.verdicts for finding in verdict.findings]

    @property
    def signals(self) -> list[Signal]:
        """Every signal, in order."""
        return [signal for verdict in self.verdicts for signal in verdict.signals]

    @property
    def latest(self) -> dict[str, Finding]:
        """Findings as people see them: the highest revision of each id."""
        shown: dict[str, Finding] = {}
        for finding in self.findings:
            if finding.finding_id not in shown or finding.revision >= shown[finding.finding_id].revision:
                shown[finding.finding_id] = finding
        return shown

    def kinds(self) -> list[str]:
        """The kinds of all findings, in order; revisions and what was taken back included."""
        return [finding.kind for finding in self.findings]

    def state(self, session: str = "s-1") -> SessionState:
        """A session's state."""
        return self.sessions[session]

    def _take(self, verdict: Verdict, clock_us: int) -> None:
        self.verdicts.append(verdict)
        for signal in verdict.signals:
            subject = self.subjects.get(signal.subject) or self.subject_judge.open(signal)
            self.verdicts.append(self.subject_judge.step(subject, signal, clock_us=clock_us))
            if self.stored:
                loaded = load_subject(subject.dump())
                assert loaded is not None
                subject = loaded
            self.subjects[signal.subject] = subject

    def _through_the_store(self, state: SessionState) -> SessionState:
        if not self.stored:
            return state
        loaded = load_session(state.dump())
        assert loaded is not None
        return loaded
