"""Judges bundles in this process, with the worker's judge and both stages: for writing recipes, not for publishing."""

from __future__ import annotations

from typing import Final

from scorecard.bundles import Bundle
from scorecard.issuing import KEY
from scorecard.seen import Seen
from watchkeeper.schemas.envelope import Origin
from watchkeeper.schemas.events import EVENT_ADAPTER, Event
from watchkeeper.schemas.findings import Finding
from watchkeeper.schemas.model import to_us
from watchkeeper.schemas.scores import SCORE_ADAPTER
from watchkeeper.schemas.signals import Signal
from watchkeeper.schemas.topics import GRANTS, SCORES
from watchkeeper.schemas.wire import split_lines
from watchkeeper.stream_processors.detection.catalogue import default_detectors, default_subject_rules
from watchkeeper.stream_processors.detection.grant_book import GrantBook
from watchkeeper.stream_processors.detection.hearing import Place, Verdict
from watchkeeper.stream_processors.detection.judge import Judge
from watchkeeper.stream_processors.detection.pricing import PriceBook
from watchkeeper.stream_processors.detection.session import SessionState
from watchkeeper.stream_processors.detection.subjects import SubjectJudge, SubjectState
from watchkeeper.stream_processors.engine.ports import Record
from watchkeeper.stream_processors.engine.stage_scores import ScoreLine, signal_of

ACTING: Final[frozenset[Origin]] = frozenset({"live", "simulated"})
CLOCK_AHEAD_US: Final = 2_000_000


class Court:
    """Judges bundles, one after another. Subjects are kept: clean sessions share them.

    Args:
        prices: the price book.
    """

    def __init__(self, prices: PriceBook) -> None:
        self._judge = Judge(default_detectors(), prices=prices, acting=ACTING, strict=True)
        self._grants = GrantBook(KEY)
        self._subject_judge = SubjectJudge(default_subject_rules(self._grants), acting=ACTING, strict=True)
        self._subjects: dict[str, SubjectState] = {}
        self._offset = 0

    def hear(self, bundle: Bundle) -> list[Seen]:
        """Every revision of what is found in a bundle; the silence after it included."""
        sessions: dict[str, SessionState] = {}
        found: list[Finding] = []
        for one in bundle.records:
            if one.record.topic == GRANTS.name:
                self._grants.take(one.record.key, one.record.value)
                continue
            if one.record.topic == SCORES.name:
                found += self._score(one.record.key, one.record.value)
                continue
            for line in split_lines(one.record.value):
                found += self._step(sessions, EVENT_ADAPTER.validate_json(line))
        for session in tuple(sessions.values()):
            if bundle.silence_seconds:
                clock_us = session.arrived_us + round(bundle.silence_seconds * 1_000_000)
                found += self._taken(self._judge.tick(session, clock_us=clock_us), clock_us)
        if bundle.sought is not None:
            # Nobody else has this tenant.
            self._subjects = {key: one for key, one in self._subjects.items() if one.tenant_id != bundle.tenant}
        return [seen_of(finding) for finding in found]

    def _step(self, sessions: dict[str, SessionState], event: Event) -> list[Finding]:
        self._judge.learn(event)
        session = sessions.get(event.session_id)
        if session is None:
            session = sessions[event.session_id] = self._judge.open(event)
        self._offset += 1
        clock_us = to_us(event.occurred_at) + CLOCK_AHEAD_US
        place = Place(0, self._offset, 0)
        return self._taken(
            self._judge.step(session, event, clock_us=clock_us, place=place, stamped_us=clock_us), clock_us
        )

    def _score(self, key: bytes, value: bytes) -> list[Finding]:
        score = SCORE_ADAPTER.validate_json(value)
        self._offset += 1
        record = Record(SCORES.name, 0, self._offset, key, value, 0)
        signal = signal_of(ScoreLine(record, 0, value, score), score)
        return [] if signal is None else self._fold(signal, to_us(score.graded_at) + CLOCK_AHEAD_US)

    def _fold(self, signal: Signal, clock_us: int) -> list[Finding]:
        subject = self._subjects.get(signal.subject)
        if subject is None:
            subject = self._subjects[signal.subject] = self._subject_judge.open(signal)
        return list(self._subject_judge.step(subject, signal, clock_us=clock_us).findings)

    def _taken(self, verdict: Verdict | None, clock_us: int) -> list[Finding]:
        if verdict is None:
            return []
        found = list(verdict.findings)
        for signal in verdict.signals:
            found += self._fold(signal, clock_us)
        return found


def seen_of(finding: Finding) -> Seen:
    """A finding straight from a detector."""
    return Seen(
        tenant=finding.tenant_id,
        finding_id=finding.finding_id,
        revision=finding.revision,
        is_open=finding.status == "open",
        session_id=finding.session_id,
        subject=finding.subject,
        agent_id=finding.agent_id,
        mode=finding.failure_mode,
        kind=finding.kind,
        severity=finding.severity,
        summary=finding.summary,
        evidence=finding.evidence.model_dump(mode="json"),
        at_us=to_us(finding.last_event_at),
    )
