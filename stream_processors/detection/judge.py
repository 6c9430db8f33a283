"""Stage 1: leads one session's events past the detectors and makes findings, signals and commands of what they say."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from functools import lru_cache
from typing import Any

from watchkeeper.schemas.envelope import Origin
from watchkeeper.schemas.event_contents import contents_of, is_shared
from watchkeeper.schemas.events import ContentPart, Event, EventType, Response, SessionEnded, SessionStarted, ToolCall
from watchkeeper.schemas.evidence import Unjudged
from watchkeeper.schemas.model import to_us
from watchkeeper.schemas.policy import CAP_NAMES, AgentPolicy, Caps, default_policy
from watchkeeper.stream_processors.detection.detector import Context, Detector, Found, Notice, Said
from watchkeeper.stream_processors.detection.hearing import Hearing, Place, Verdict
from watchkeeper.stream_processors.detection.library import Library, Unusable
from watchkeeper.stream_processors.detection.pricing import NOTHING_TO_PRICE, NoPrices, PriceBook, Priced
from watchkeeper.stream_processors.detection.sequence import Arrival, apply, arrival_of
from watchkeeper.stream_processors.detection.session import SessionState


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
        self.library = library or Library()
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
        if isinstance(event, SessionStarted):
            for _, content in contents_of(event):
                if content.text is not None and is_shared(content):
                    self.library.add(content.address, content.text)
        elif isinstance(event, ContentPart) and event.data.address.startswith("u-"):
            data = event.data
            self.library.add_part(data.address, data.part, data.parts, data.text)

    def missing(self, session: SessionState | None, event: Event | None = None) -> Iterable[str]:
        """Addresses of tools and policy that judging this session, or this event of it, needs and the library lacks."""
        wanted = [session.policy_address, session.tools_address] if session else []
        if isinstance(event, SessionStarted):
            data = event.data
            wanted += [data.policy.content.address if data.policy else "", data.tools.address if data.tools else ""]
        return (address for address in wanted if address and address not in self.library)

    def step(self, session: SessionState, event: Event, *, clock_us: int, place: Place | None = None) -> Verdict:
        """Judges an event that its writer had not sent before.

        Args:
            session: its session's state, changed in place.
            event: the event. What fills a gap is counted and noted; order-sensitive detectors do not see it.
            clock_us: the host's clock, for `detected_at` and for later ticks.
            place: where it stood in the stream.
        """
        writer = session.writer(event.writer_id)
        arrival = arrival_of(writer, event.seq)
        gap = apply(writer, event.seq)
        verdict = Verdict(late=arrival is Arrival.FILLS)
        self._account(session, event, verdict, clock_us)
        context = self._context(session)
        hearing = Hearing(session, context.policy, event, clock_us, place or Place(), verdict)
        if gap is not None:
            self._notify(hearing, Notice("filled" if verdict.late else "gap", event.writer_id, *gap), context)
        if not verdict.late:
            for detector in self._by_type.get(event.type, ()):
                self._ask(hearing, detector, lambda d, s: d.step(s, event, context))
        if isinstance(event, SessionEnded):
            session.status = event.data.status
        session.due_us = 0
        return verdict

    def conflict(
        self, session: SessionState, event: Event, digests: list[str], *, clock_us: int, place: Place | None = None
    ) -> Verdict:
        """Notes that a number came again with other content; nothing of the event is applied."""
        verdict = Verdict()
        context = self._context(session)
        hearing = Hearing(session, context.policy, event, clock_us, place or Place(), verdict)
        self._notify(hearing, Notice("conflict", event.writer_id, event.seq, event.seq, digests), context)
        return verdict

    def tick(self, session: SessionState, *, clock_us: int) -> Verdict | None:
        """Lets time pass for an open session; None where no detector had anything to look at.

        The caller ticks only sessions whose origin acts, and only while it is caught up with the stream.
        """
        now_us = session.now_us(clock_us)
        if not session.is_open or now_us < session.due_us:
            return None
        context = self._context(session)
        verdict = Verdict()
        hearing = Hearing(session, context.policy, None, clock_us, Place(), verdict)
        for detector in self._tickers:
            due = detector.due_us(self._state(session, detector), context)
            if due is not None and due <= now_us:
                self._ask(hearing, detector, lambda d, s: d.tick(s, now_us, context))
        dues = [detector.due_us(self._state(session, detector), context) for detector in self._tickers]
        session.due_us = min((due for due in dues if due is not None), default=2**62)
        return verdict

    def _account(self, session: SessionState, event: Event, verdict: Verdict, clock_us: int) -> None:
        totals = session.totals
        totals.events += 1
        session.last_us = max(session.last_us, to_us(event.occurred_at))
        session.arrived_us = clock_us
        if event.writer_salt is not None:
            session.writer(event.writer_id).salt = event.writer_salt
        if event.user_id:
            session.user_id = event.user_id
        if event.customer_id:
            session.customer_id = event.customer_id
        if event.workflow:
            session.workflow = event.workflow
        if isinstance(event, ToolCall):
            totals.tool_calls += 1
        elif isinstance(event, Response):
            verdict.priced = self._charge(session, event)
        elif isinstance(event, SessionStarted):
            self.learn(event)
            _take_facts(session, event)

    def _charge(self, session: SessionState, event: Response) -> Priced:
        usage = event.data.usage
        if event.data.model:
            session.model, session.provider = event.data.model, event.data.provider
        if usage is None:
            return NOTHING_TO_PRICE
        totals = session.totals
        totals.input_tokens += usage.input_tokens
        totals.cached_input_tokens += usage.cache_read_input_tokens
        totals.output_tokens += usage.output_tokens
        totals.tokens += max(0, usage.input_tokens - usage.cache_read_input_tokens) + usage.output_tokens
        priced = self._prices.price(
            provider=session.provider, model=session.model, usage=usage, at_us=to_us(event.occurred_at)
        )
        if priced.cost_usd is None:
            totals.unpriced_requests += 1
        else:
            totals.priced_requests += 1
            totals.cost_usd += priced.cost_usd
        return priced

    def _context(self, session: SessionState) -> Context:
        unusable: Unusable | None = None
        policy = _default_policy(session.agent_id)
        if session.policy_address:
            named = self.library.policy(session.policy_address)
            if isinstance(named, AgentPolicy):
                policy = named
            else:
                unusable = named or Unusable("the policy that the session names was never sent")
        tools = None
        if session.tools_address:
            registered = self.library.tools(session.tools_address)
            if registered is None or isinstance(registered, Unusable):
                unusable = unusable or registered or Unusable("the list of tools that the session names was never sent")
            else:
                tools = registered
        return Context(session, policy, _narrowed(policy.caps, session.caps), tools, unusable)

    def _notify(self, hearing: Hearing, notice: Notice, context: Context) -> None:
        event = hearing.event
        if event is not None:
            for detector in self._sequencers:
                self._ask(hearing, detector, lambda d, s: d.sequence(s, event, notice, context))

    def _ask(
        self, hearing: Hearing, detector: Detector[Any], question: Callable[[Detector[Any], Any], Iterable[Said]]
    ) -> None:
        try:
            for said in question(detector, self._state(hearing.session, detector)):
                if isinstance(said, Found):
                    hearing.found(detector, said, acts=self.acts(hearing.session))
                else:
                    hearing.told(said)
        except Exception as error:
            if self._strict:
                raise
            # A rule that fails must not stop the others, nor pass for one that found nothing.
            hearing.found(detector, _silenced(detector, error), acts=False)

    @staticmethod
    def _state(session: SessionState, detector: Detector[Any]) -> Any:
        stored = session.detectors.get(detector.rule_id)
        if stored is None or stored[0] != detector.state_version:
            stored = session.detectors[detector.rule_id] = [detector.state_version, detector.state_type()]
        elif isinstance(stored[1], dict):
            stored[1] = detector.state_type(**stored[1])
        return stored[1]


def _take_facts(session: SessionState, event: SessionStarted) -> None:
    data = event.data
    if not data.resumed:
        session.started_us = to_us(event.occurred_at)
    session.status = "open"
    session.agent_version = event.agent_version
    session.intent = data.intent or session.intent
    session.model = data.model or session.model
    session.provider = data.provider or session.provider
    session.reasoning_exposed = data.reasoning_exposed
    if data.tools is not None:
        session.tools_address = data.tools.address
    # Judged to its end by what was pinned at its start: a resumed session does not change its policy.
    if data.policy is not None and not session.policy_address:
        session.policy_address = data.policy.content.address
    if data.caps is not None:
        session.caps = {name: value for name, value in data.caps.model_dump().items() if value is not None}


def _narrowed(caps: Caps, own: dict[str, float]) -> Caps:
    if not own:
        return caps
    limits: dict[str, Any] = {}
    for name in CAP_NAMES:
        limit, narrower = getattr(caps, name), own.get(name)
        limits[name] = limit if narrower is None else narrower if limit is None else min(limit, narrower)
    return Caps.model_construct(**limits)


@lru_cache(maxsize=4096)
def _default_policy(agent_id: str) -> AgentPolicy:
    return default_policy(agent_id)


def _silenced(detector: Detector[Any], error: Exception) -> Found:
    return Found(
        about=("unjudged",),
        severity="medium",
        summary=f"The rule {detector.rule_id} failed on this session and could not judge all of it.",
        evidence=Unjudged(detector=detector.rule_id, reason=f"{type(error).__name__}: {error}"[:300]),
    )
