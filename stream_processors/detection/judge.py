"""Stage 1: leads one session's events past the detectors and makes findings, signals and commands of what they say."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from watchkeeper.schemas.envelope import Origin
from watchkeeper.schemas.event_contents import contents_of, is_shared
from watchkeeper.schemas.events import ContentPart, Event, Response, SessionEnded, SessionStarted
from watchkeeper.schemas.losses import LOST_ATTRIBUTE
from watchkeeper.schemas.model import to_us
from watchkeeper.stream_processors.detection.charging import charge
from watchkeeper.stream_processors.detection.detector import Context, Detector, Notice, Said
from watchkeeper.stream_processors.detection.hearing import NOWHERE, Hearing, Place, Verdict
from watchkeeper.stream_processors.detection.library import Library
from watchkeeper.stream_processors.detection.pricing import NoPrices, PriceBook
from watchkeeper.stream_processors.detection.rules_in_force import context_of, take_facts
from watchkeeper.stream_processors.detection.seats import Seats, state_of
from watchkeeper.stream_processors.detection.sequence import apply, newly_lost
from watchkeeper.stream_processors.detection.session import SessionState
from watchkeeper.stream_processors.detection.subject_keys import UNKEYED, SubjectKeys

NEVER_US = 2**62


class Judge:
    """Judges sessions. It holds no session: states are handed in and changed in place.

    Args:
        detectors: the rules, in the order in which they are shown each event.
        library: tools and policies by address; whoever hosts the judge fills it before asking.
        prices: the price book; without one every usage is unpriced.
        keys: names subjects that are personal.
        acting: origins whose sessions may be commanded and ticked.
        strict: raises what a detector raises, for tests. Otherwise that detector's silence is told as a finding.
    """

    def __init__(
        self,
        detectors: Iterable[Detector[Any]],
        *,
        library: Library | None = None,
        prices: PriceBook | None = None,
        keys: SubjectKeys = UNKEYED,
        acting: frozenset[Origin] = frozenset({"live"}),
        strict: bool = False,
    ) -> None:
        self.detectors = tuple(detectors)
        self.library = Library() if library is None else library
        self._prices = prices or NoPrices()
        self._keys = keys
        self._acting = acting
        self._strict = strict
        self._seats = Seats(self.detectors)
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

    def step(
        self,
        session: SessionState,
        event: Event,
        *,
        clock_us: int,
        place: Place = NOWHERE,
        stamped_us: int | None = None,
    ) -> Verdict:
        """Judges an event that its writer had not sent before.

        Until it arrived time has passed: what a tick would have found by then is found first. So it makes no
        difference whether a tick came in between.

        Args:
            session: its session's state, changed in place.
            event: the event. What fills a gap is counted and noted; order-sensitive detectors do not see it.
            clock_us: the host's clock, for `detected_at` and for later ticks.
            place: where it stood in the stream.
            stamped_us: the broker's time of its arrival, 0 where that is not known; None lets no time pass.
        """
        passed = None if stamped_us is None else self._until(session, stamped_us, clock_us)
        known = session.context
        gap = apply(session.writer(event.writer_id), event.seq)
        late = gap is not None and event.seq <= gap[1]
        at_us = to_us(event.occurred_at)
        verdict = Verdict(late=late, at_us=at_us)
        self._account(session, event, verdict, at_us=at_us, clock_us=clock_us, stamped_us=stamped_us or 0)
        context = self._context(session, at_us)
        hearing = Hearing(context, event, clock_us, place, self.acts(session), verdict)
        if gap is not None:
            self._notify(hearing, event, Notice("filled" if late else "gap", event.writer_id, *gap))
        if not late:
            seating = context.seating
            if seating is None or seating.seats is not self._seats:
                seating = context.seating = self._seats.taken(context)
            states = seating.states
            for seat, step, detector in seating.shown.get(event.type, ()):
                try:
                    state = states[seat]
                    if state is None:
                        state = states[seat] = state_of(session, detector)
                    said = step(state, event, context)
                    if said:
                        hearing.take_all(detector, said)
                except Exception as error:
                    if self._strict:
                        raise
                    hearing.silence(detector, error)
        # Under other rules also what began before may be due at other times.
        session.due_us = min(session.due_us, at_us + self._soonest_us(context)) if context is known else 0
        if passed:
            verdict.begin_with(passed)
        return verdict

    def conflict(
        self, session: SessionState, event: Event, digests: list[str], *, clock_us: int, place: Place = NOWHERE
    ) -> Verdict:
        """Notes that a number came again with other content; nothing of the event is applied."""
        verdict = Verdict(at_us=to_us(event.occurred_at))
        context = self._context(session, verdict.at_us)
        hearing = Hearing(context, event, clock_us, place, self.acts(session), verdict)
        self._notify(hearing, event, Notice("conflict", event.writer_id, event.seq, event.seq, digests))
        return verdict

    def _context(self, session: SessionState, at_us: int) -> Context:
        context = context_of(session, self.library)
        context.at_us = at_us
        context.keys = self._keys
        return context

    @staticmethod
    def is_due(session: SessionState, *, clock_us: int) -> bool:
        """Whether a tick may have anything to look at."""
        return session.is_open and session.now_us(clock_us) >= session.due_us

    def tick(self, session: SessionState, *, clock_us: int) -> Verdict | None:
        """Lets time pass for an open session; None where no detector had anything to look at.

        The caller ticks only sessions whose origin acts, and only while it is caught up with the stream.
        """
        if not self.is_due(session, clock_us=clock_us):
            return None
        return self._let_pass(session, session.now_us(clock_us), clock_us)

    def _until(self, session: SessionState, stamped_us: int, clock_us: int) -> Verdict | None:
        now_us = session.at_arrival_us(stamped_us)
        if now_us < session.due_us or not (session.is_open and session.totals.events and self.acts(session)):
            return None
        return self._let_pass(session, now_us, clock_us)

    def _let_pass(self, session: SessionState, now_us: int, clock_us: int) -> Verdict:
        """Asks what is due, in order, as if a tick had come for each: so it makes no difference when ticks come."""
        context = self._context(session, session.last_us)
        hearing = Hearing(context, None, clock_us, NOWHERE, self.acts(session), Verdict())
        asked: dict[str, int] = {}
        while session.is_open:
            first: list[Detector[Any]] = []
            due_us = NEVER_US
            for detector in self._tickers:
                due = self._due_us(hearing, detector)
                # One that was asked, and is due still, has failed: it must not hold up the others.
                if due is None or due > due_us or due <= asked.get(detector.rule_id, -1):
                    continue
                first = [*first, detector] if due == due_us else [detector]
                due_us = due
            session.due_us = due_us
            if due_us > now_us:
                break
            for detector in first:
                asked[detector.rule_id] = due_us
                self._ask(hearing, detector, detector.tick, due_us, context)
        return hearing.verdict

    def _soonest_us(self, context: Context) -> int:
        if context.soonest_us is None:
            try:
                known = [detector.soonest_us(context) for detector in self._tickers]
            except Exception:
                if self._strict:
                    raise
                known = [0]
            context.soonest_us = min((one for one in known if one is not None), default=NEVER_US)
        return context.soonest_us

    def _due_us(self, hearing: Hearing, detector: Detector[Any]) -> int | None:
        try:
            return detector.due_us(state_of(hearing.context.session, detector), hearing.context)
        except Exception as error:
            if self._strict:
                raise
            hearing.silence(detector, error)
            return None

    def _account(
        self, session: SessionState, event: Event, verdict: Verdict, *, at_us: int, clock_us: int, stamped_us: int
    ) -> None:
        session.totals.events += 1
        if at_us >= session.last_us:
            session.last_us = at_us
            session.arrived_us = clock_us
            session.stamped_us = stamped_us
        if event.writer_salt is not None:
            writer = session.writer(event.writer_id)
            writer.salt = writer.salt or event.writer_salt
        if event.attributes and LOST_ATTRIBUTE in event.attributes:
            verdict.lost = newly_lost(session.writer(event.writer_id), event.attributes)
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
            verdict.priced = charge(session, event, self._prices, at_us)
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

    def _notify(self, hearing: Hearing, event: Event, notice: Notice) -> None:
        for detector in self._sequencers:
            self._ask(hearing, detector, detector.sequence, event, notice, hearing.context)

    def _ask(
        self, hearing: Hearing, detector: Detector[Any], question: Callable[..., Iterable[Said]], *shown: Any
    ) -> None:
        try:
            hearing.take_all(detector, question(state_of(hearing.context.session, detector), *shown))
        except Exception as error:
            if self._strict:
                raise
            hearing.silence(detector, error)
