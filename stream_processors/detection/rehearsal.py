"""Judges a recorded case again, in memory and by both stages: what `watchkeeper finding repro` shrinks and writes.

A case holds events as documents, in the order in which the worker read them, and all that judging took beside them.
It is plain JSON, so that it can stand in a test file. The rules are those of the installed version: a case that was
found by an earlier one may be found no more, and that is what its test is there to tell.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from typing import Annotated, Any, Self

from pydantic import Field

from watchkeeper.schemas.envelope import Origin
from watchkeeper.schemas.events import EVENT_ADAPTER, Event, Usage
from watchkeeper.schemas.findings import Finding
from watchkeeper.schemas.grants import Grant
from watchkeeper.schemas.model import Model, to_us
from watchkeeper.stream_processors.detection.catalogue import default_detectors, default_subject_rules
from watchkeeper.stream_processors.detection.grant_book import GrantBook
from watchkeeper.stream_processors.detection.hearing import Place, Verdict
from watchkeeper.stream_processors.detection.judge import Judge
from watchkeeper.stream_processors.detection.pricing import Priced
from watchkeeper.stream_processors.detection.sequence import Arrival, arrival_of
from watchkeeper.stream_processors.detection.session import SessionState
from watchkeeper.stream_processors.detection.subjects import SubjectJudge, SubjectState


class Circumstances(Model):
    """All that judging took beside the events.

    Attributes:
        waits: whether time passes between events, as it does for sessions that act.
        until_us: how long silence lasts in each session, as the session's own time; None where no silence is judged.
        acting: origins whose sessions may be commanded and ticked.
        prices: what requests cost, in US dollars, by model and usage (`price_key`).
    """

    waits: bool = False
    until_us: Annotated[int, Field(ge=0)] | None = None
    acting: list[Origin] = ["live"]
    prices: dict[str, float] = {}


class Expected(Model):
    """The finding that a case must lead to.

    Attributes:
        finding_id: None where it is another one by the installed rules, or for want of the worker's secret.
    """

    rule_id: str
    kind: str
    tenant_id: str
    session_id: str | None = None
    agent_id: str
    finding_id: str | None = None

    def matches(self, finding: Finding) -> bool:
        """Whether this is it."""
        if finding.status != "open" or (finding.rule_id, finding.kind) != (self.rule_id, self.kind):
            return False
        if self.finding_id is not None:
            return finding.finding_id == self.finding_id
        whose = (finding.tenant_id, finding.session_id, finding.agent_id)
        return whose == (self.tenant_id, self.session_id, self.agent_id)


class Case(Model):
    """Events, and what must be found in them.

    Attributes:
        events: documents of events, in the order in which they are judged.
        arrived_us: when each arrived, by the broker's clock; None where it arrived as it occurred.
        grants: what stood on `agent.grants`.
    """

    expected: Expected
    circumstances: Circumstances = Circumstances()
    grants: list[dict[str, Any]] = []
    arrived_us: list[int] | None = None
    events: list[dict[str, Any]]

    @classmethod
    def from_json(cls, text: str) -> Self:
        """The case that a test file holds."""
        return cls.model_validate_json(text)

    def found(self) -> list[Finding]:
        """The expected finding, each time that it is told: nothing where it is not."""
        events = [EVENT_ADAPTER.validate_json(json.dumps(event)) for event in self.events]
        grants = [Grant.model_validate_json(json.dumps(grant)) for grant in self.grants]
        findings = rehearse(events, self.circumstances, grants, self.arrived_us)
        return [finding for finding in findings if self.expected.matches(finding)]


class RecordedPrices:
    """Prices as the worker charged them."""

    def __init__(self, prices: Mapping[str, float]) -> None:
        self._prices = prices

    def price(self, *, provider: str, model: str, usage: Usage, at_us: int) -> Priced:  # noqa: ARG002 - the port's shape
        """See `PriceBook.price`."""
        cost = self._prices.get(price_key(model, usage))
        return Priced("unpriced") if cost is None else Priced("priced", cost, "recorded")


def price_key(model: str, usage: Usage) -> str:
    """By what a price is looked up in a case."""
    return f"{model} {usage.model_dump_json(exclude_defaults=True)}"


def rehearse(
    events: Iterable[Event],
    circumstances: Circumstances,
    grants: Iterable[Grant] = (),
    arrived_us: Iterable[int] | None = None,
) -> list[Finding]:
    """Every finding, in order, revisions included; see `Case`."""
    heard = list(events)
    arrivals = [to_us(event.occurred_at) for event in heard] if arrived_us is None else list(arrived_us)
    hall = _Rehearsal(circumstances, grants)
    for offset, (event, at_us) in enumerate(zip(heard, arrivals, strict=True)):
        hall.hear(event, offset, at_us)
    if circumstances.until_us is not None:
        hall.wait(circumstances.until_us)
    return hall.findings


class _Rehearsal:
    """Both stages, each signal folded as soon as it is said."""

    def __init__(self, circumstances: Circumstances, grants: Iterable[Grant]) -> None:
        acting = frozenset(circumstances.acting)
        self._waits = circumstances.waits
        self._judge = Judge(default_detectors(), prices=RecordedPrices(circumstances.prices), acting=acting)
        book = GrantBook()
        for grant in grants:
            book.add(grant)
        self._subject_judge = SubjectJudge(default_subject_rules(book), acting=acting)
        self._sessions: dict[tuple[str, str], SessionState] = {}
        self._subjects: dict[str, SubjectState] = {}
        self.findings: list[Finding] = []

    def hear(self, event: Event, offset: int, at_us: int) -> None:
        """Judges one event that arrived then."""
        key = (event.tenant_id, event.session_id)
        self._judge.learn(event)
        state = self._sessions.get(key)
        if state is None:
            state = self._sessions[key] = self._judge.open(event)
        place = Place(0, offset, 0)
        if arrival_of(state.writer(event.writer_id), event.seq) is Arrival.SEEN:
            verdict = self._judge.conflict(state, event, [], clock_us=at_us, place=place)
        else:
            stamped_us = at_us if self._waits else None
            verdict = self._judge.step(state, event, clock_us=at_us, place=place, stamped_us=stamped_us)
        self._take(verdict, at_us)

    def wait(self, until_us: int) -> None:
        """Lets time pass in each session until then, by the session's own time."""
        for state in self._sessions.values():
            clock_us = state.arrived_us + max(0, until_us - state.last_us)
            if self._judge.acts(state):
                self._take(self._judge.tick(state, clock_us=clock_us) or Verdict(), clock_us)

    def _take(self, verdict: Verdict, clock_us: int) -> None:
        self.findings += verdict.findings
        for signal in verdict.signals:
            subject = self._subjects.get(signal.subject)
            if subject is None:
                subject = self._subjects[signal.subject] = self._subject_judge.open(signal)
            self.findings += self._subject_judge.step(subject, signal, clock_us=clock_us).findings
