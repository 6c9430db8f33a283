"""Stage 1: leads one session's events past the detectors and makes findings, signals and commands of what they say."""

from __future__ import annotations

import traceback
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

from watchkeeper.schemas.envelope import Origin
from watchkeeper.schemas.event_contents import contents_of, is_shared
from watchkeeper.schemas.events import ContentPart, Event, EventType, Response, SessionEnded, SessionStarted
from watchkeeper.schemas.evidence import Unjudged
from watchkeeper.schemas.model import to_us
from watchkeeper.stream_processors.detection.detector import Detector, Found, Notice, Said
from watchkeeper.stream_processors.detection.hearing import NOWHERE, Hearing, Place, Verdict
from watchkeeper.stream_processors.detection.library import Library
from watchkeeper.stream_processors.detection.pricing import NOTHING_TO_PRICE, NoPrices, PriceBook, Priced
from watchkeeper.stream_processors.detection.rules_in_force import context_of, take_facts
from watchkeeper.stream_processors.detection.sequence import apply
from watchkeeper.stream_processors.detection.session import SessionState

NEVER_US = 2**62


class Judge:
    """Judges sessions. It holds no session: states are handed in and changed in place.

    Args:
        detectors: the rules, in the order in which they are shown each event.
        library: tools and policies by address; whoever hosts the judge fills it before asking.
        prices: the price book; without one every usage is unpriced.
        acting: origins whose sessions may be commanded and ticked.
        strict: raises what a detector raises, for tests. Otherwise that detector's silence is told as a finding.
    """

    def __init__(
        self,
        detectors: Iterable[Detector[Any]],
        *,
        library: Library | None = None,
        prices: PriceBook | None = None,
        acting: frozenset[Origin] = frozenset({"live"}),
        strict: bool = False,
    ) -> None:
        self.detectors = tuple(detectors)
        self.library = Library() if library is None else library
        self._prices = prices or NoPrices()
        self._acting = acting
        self._strict = strict
        self._by_type: dict[EventType, tuple[Detector[Any], ...]] = {}
        for detector in self.detectors:
            for event_type in detector.listens:
                self._by_type[event_type] = (*self._by_type.get(event_type, ()), detector)
        self._sequencers = tuple(d for d in self.detectors if type(d).sequence is not Detector.sequence)
        self._tickers = tuple(d for d in self.detectors if type(d).tick is not Detector.tick)

    def acts(self, session: SessionState) -> bool:
        """Whether commands and ticks are for this session's origin."""
        return session.origin in self._acting

    @staticmethod
    def open(event: Event) -> SessionState:
        """The state of a session of which this is the first event to be seen."""
        at_us = to_us(event.occurred_at)
        return SessionState(
            tenant_id=event.tenant_id,
            session_id=event.session_id,
            agent_id=event.agent_id,
            origin=event.origin,
            started_us=at_us,
            last_us=at_us,
            root_session_id=event.root_session_id or event.session_id,
            parent_session_id=event.parent_session_id or "",
            agent_version=event.agent_version,
            environment=event.environment,
            retention_class=event.retention_class,
        )

    def learn(self, event: Event) -> None:
        """Takes the shared texts of an event into the library: before judging, and in a first look at a batch."""
        if type(event) is SessionStarted:
            for _, content in contents_of(event):
                if content.text is not None and is_shared(content):
                    self.library.add(content.address, content.text)
        elif type(event) is ContentPart and event.data.address.startswith("u-"):
            data = event.data
            self.library.add_part(data.address, data.part, data.parts, data.text)

    def missing(self, session: SessionState | None, event: Event | None = None) -> Iterable[str]:
        """Addresses of tools and policy that judging this session, or this event of it, needs and the library lacks."""
        wanted = [session.policy_address, session.tools_address] if session else []
        if type(event) is SessionStarted:
            data = event.data
            wanted += [data.policy.content.address if data.policy else "", data.tools.address if data.tools else ""]
        return (address for address in wanted if address and address not in self.library)

    def step(self, session: SessionState, event: Event, *, clock_us: int, place: Place = NOWHERE) -> Verdict:
        """Judges an event that its writer had not sent before.

        Args:
            session: its session's state, changed in place.
            event: the event. What fills a gap is counted and noted; order-sensitive detectors do not see it.
            clock_us: the host's clock, for `detected_at` and for later ticks.
            place: where it stood in the stream.
        """
        gap = apply(session.writer(event.writer_id), event.seq)
        late = gap is not None and event.seq <= gap[1]
        at_us = to_us(event.occurred_at)
        verdict = Verdict(late=late, at_us=at_us)
        self._account(session, event, verdict, at_us=at_us, clock_us=clock_us)
        context = context_of(session, self.library)
        context.at_us = at_us
        hearing = Hearing(context, event, clock_us, place, self.acts(session), verdict)
        if gap is not None:
            self._notify(hearing, event, Notice("filled" if late else "gap", event.writer_id, *gap))
        if not late:
            for detector in self._by_type.get(event.type, ()):
                try:
                    said = detector.step(self._state(session, detector), event, context)
                    if said:
                        _take(hearing, detector, said)
                except Exception as error:
                    if self._strict:
                        raise
                    _silence(hearing, detector, error)
        session.due_us = 0
        return verdict

    def conflict(
        self, session: SessionState, event: Event, digests: list[str], *, clock_us: int, place: Place = NOWHERE
    ) -> Verdict:
        """Notes that a number came again with other content; nothing of the event is applied."""
        verdict = Verdict(at_us=to_us(event.occurred_at))
        context = context_of(session, self.library)
        context.at_us = verdict.at_us
        hearing = Hearing(context, event, clock_us, place, self.acts(session), verdict)
        self._notify(hearing, event, Notice("conflict", event.writer_id, event.seq, event.seq, digests))
        return verdict

    def tick(self, session: SessionState, *, clock_us: int) -> Verdict | None:
        """Lets time pass for an open session; None where no detector had anything to look at.

        The caller ticks only sessions whose origin acts, and only while it is caught up with the stream.
        """
        now_us = session.now_us(clock_us)
        if not session.is_open or now_us < session.due_us:
            return None
        context = context_of(session, self.library)
        context.at_us = session.last_us
        verdict = Verdict()
        hearing = Hearing(context, None, clock_us, NOWHERE, self.acts(session), verdict)
        for detector in self._tickers:
            due = self._due_us(hearing, detector)
            if due is not None and due <= now_us:
                self._ask(hearing, detector, detector.tick, now_us, context)
        dues = [self._due_us(hearing, detector) for detector in self._tickers]
        session.due_us = min([NEVER_US, *(due for due in dues if due is not None)])
        return verdict

    def _due_us(self, hearing: Hearing, detector: Detector[Any]) -> int | None:
        try:
            return detector.due_us(self._state(hearing.context.session, detector), hearing.context)
        except Exception as error:
            if self._strict:
                raise
            _silence(hearing, detector, error)
            return None

    def _account(self, session: SessionState, event: Event, verdict: Verdict, *, at_us: int, clock_us: int) -> None:
        session.totals.events += 1
        if at_us >= session.last_us:
            session.last_us = at_us
            session.arrived_us = clock_us
        if event.writer_salt is not None:
            writer = session.writer(event.writer_id)
            writer.salt = writer.salt or event.writer_salt
        if event.user_id:
            session.user_id = event.user_id
        if event.customer_id:
            session.customer_id = event.customer_id
        if event.workflow:
            session.workflow = event.workflow
        # An outcome is told by others, days later: it brings no session back.
        if session.status == "silent" and not verdict.late and event.type != "outcome":
            session.status = "open"
        if event.type == "tool_call":
            session.totals.tool_calls += 1
        elif type(event) is Response:
            verdict.priced = self._charge(session, event, at_us)
        else:
            self._take_in(session, event, late=verdict.late)

    def _take_in(self, session: SessionState, event: Event, *, late: bool) -> None:
        if type(event) is SessionStarted:
            self.learn(event)
            take_facts(session, event, late=late)
        elif type(event) is ContentPart:
            self.learn(event)
        elif type(event) is SessionEnded:
            session.status = event.data.status

    def _charge(self, session: SessionState, event: Response, at_us: int) -> Priced:
        data = event.data
        usage = data.usage
        session.model = data.model or session.model
        session.provider = data.provider or session.provider
        if usage is None:
            return NOTHING_TO_PRICE
        totals = session.totals
        totals.input_tokens += usage.input_tokens
        totals.cached_input_tokens += usage.cache_read_input_tokens
        totals.output_tokens += usage.output_tokens
        totals.tokens += max(0, usage.input_tokens - usage.cache_read_input_tokens) + usage.output_tokens
        priced = self._prices.price(provider=session.provider, model=session.model, usage=usage, at_us=at_us)
        if priced.cost_usd is None:
            totals.unpriced_requests += 1
        else:
            totals.priced_requests += 1
            totals.cost_usd += priced.cost_usd
        return priced

    def _notify(self, hearing: Hearing, event: Event, notice: Notice) -> None:
        for detector in self._sequencers:
            self._ask(hearing, detector, detector.sequence, event, notice, hearing.context)

    def _ask(
        self, hearing: Hearing, detector: Detector[Any], question: Callable[..., Iterable[Said]], *shown: Any
    ) -> None:
        try:
            _take(hearing, detector, question(self._state(hearing.context.session, detector), *shown))
        except Exception as error:
            if self._strict:
                raise
            _silence(hearing, detector, error)

    @staticmethod
    def _state(session: SessionState, detector: Detector[Any]) -> Any:
        stored = session.detectors.get(detector.rule_id)
        if stored is None or stored[0] != detector.state_version:
            stored = session.detectors[detector.rule_id] = [detector.state_version, detector.state_type()]
        state = stored[1]
        if type(state) is dict:
            state = stored[1] = detector.state_type(**state)
        return state


def _take(hearing: Hearing, detector: Detector[Any], said: Iterable[Said]) -> None:
    for one in said:
        hearing.take(detector, one)


def _silence(hearing: Hearing, detector: Detector[Any], error: Exception) -> None:
    """A rule that fails must not stop the others, nor pass for one that found nothing: it is told, once."""
    session = hearing.context.session
    if detector.rule_id in session.silenced:
        return
    session.silenced.append(detector.rule_id)
    # The message may quote the event, which is personal: the type and the line are what a maintainer needs.
    frames = traceback.extract_tb(error.__traceback__)
    where = f" at {Path(frames[-1].filename).name}:{frames[-1].lineno}" if frames else ""
    hearing.take(
        detector,
        Found(
            about=("unjudged", "failed"),
            severity="medium",
            summary=f"The rule {detector.rule_id} failed on this session and could not judge all of it.",
            evidence=Unjudged(detector=detector.rule_id, reason=f"{type(error).__name__}{where}"),
        ),
    )
