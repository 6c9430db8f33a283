"""Where one plant or near miss is performed: it opens sessions, on clocks that are told, with ids that are derived."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping, Sequence
from random import Random
from typing import Any, Final

import orjson

from scorecard.bundles import STEP_SECONDS, Aside, Mishap
from scorecard.desk import Desk
from scorecard.ground import Ground, Job, Kind
from scorecard.jobs import JOBS
from scorecard.model import Sought
from scorecard.recorders import Recorders
from watchkeeper.producers import ManualClock, RecordedIdentity, Session
from watchkeeper.schemas.failure_modes import Severity
from watchkeeper.schemas.policy import AgentPolicy

Act = Callable[[Desk], None]
"""Something that is done at a desk between two beats."""

SECOND_US: Final = 1_000_000
MINUTE_US: Final = 60 * SECOND_US
HOUR_US: Final = 60 * MINUTE_US
DAY_US: Final = 24 * HOUR_US


class Stage:
    """See the module.

    Attributes:
        tenant: whose sessions these are: a plant's own, or one that all clean sessions share.
        key: names this performance; ids are derived from it.
        rng: its chance.
        start_us: when it begins, epoch microseconds.
        mishaps: what became of events on their way.
        step_seconds: how much time really passes between records of two sessions.
        asides: what others than the agents publish meanwhile: grants, scores.
        silence_seconds: how long, after the last event, the pipeline must wait for what only silence shows; 30 at most.
    """

    def __init__(
        self, recorders: Recorders, *, tenant: str, key: str, rng: Random, start_us: int, ground: Ground | None = None
    ) -> None:
        self._recorders = recorders
        self._ground = ground
        self._opened = 0
        self.tenant = tenant
        self.key = key
        self.rng = rng
        self.start_us = start_us
        self.silence_seconds = 0.0
        self.mishaps: list[Mishap] = []
        self.step_seconds = STEP_SECONDS
        self.asides: list[Aside] = []

    @property
    def in_recording(self) -> bool:
        """Whether `ground` gives a recording: a recipe then takes tools and policy as they are there."""
        return self._ground is not None

    def ground(self, *kinds: Kind) -> Ground:
        """What to plant into: a recording where this plant is to stand in one, else a job of one of these kinds."""
        return self._ground if self._ground is not None else self.job(*kinds)

    def job(self, *kinds: Kind) -> Job:
        """A job of one of these kinds; of any, without."""
        return JOBS[self.rng.choice(kinds or tuple(JOBS))](self.rng)

    def open(
        self,
        ground: Ground,
        *,
        policy: Mapping[str, Any] | None = None,
        agent: str = "",
        at_us: int | None = None,
        session_id: str = "",
        agent_version: str = "",
        **options: Any,
    ) -> Desk:
        """Opens a session and starts it.

        Args:
            ground: what the agent works on: gives agent, policy, tools, model, goal and user.
            policy: fields that replace those of the ground's policy; a mapping given for `tools` is added to the
                tools there. The agent is then one of its own: an agent has one policy.
            agent: another agent's id.
            at_us: when it begins; by default when the stage begins, each session a little later than the one before.
            session_id: its id; derived by default.
            agent_version: of the agent.
            **options: of `Watchkeeper.session`; they replace what the ground tells.
        """
        self._opened += 1
        identity = RecordedIdentity(f"{self.key}/{self._opened}")
        clock = ManualClock(self.start_us + self._opened * SECOND_US if at_us is None else at_us)
        name = agent or ground.agent
        charter = self.policy_of(ground, policy, name, distinct=not agent)
        if charter is not None:
            name = charter.agent
        named = {"agent_version": agent_version} if agent_version else {}
        watch = self._recorders.of(self.tenant, name, charter, **named)
        given: dict[str, Any] = {"model": ground.model, "reasoning_exposed": "none", **ground.told, **options}
        if ground.tools is not None:
            given.setdefault("tools", list(ground.tools))
        given["session_id"] = session_id or identity.new_id("session")
        session = watch.session(clock=clock, identity=identity, **given)
        session.start()
        return Desk(self, ground, session, clock, identity)

    @staticmethod
    def policy_of(
        ground: Ground, changes: Mapping[str, Any] | None, agent: str, *, distinct: bool = True
    ) -> AgentPolicy | None:
        """The ground's policy with these changes; None where there is neither.

        Args:
            ground: whose policy.
            changes: see `open`.
            agent: whom it is for.
            distinct: whether an agent whose policy is changed gets a name of its own.
        """
        if changes is None and ground.policy is None:
            return None
        fields = {**(ground.policy or {}), **(changes or {})}
        if changes and "tools" in changes:
            fields["tools"] = {**(ground.policy or {}).get("tools", {}), **changes["tools"]}
        if changes is not None and distinct:
            digest = hashlib.blake2b(orjson.dumps(fields, option=orjson.OPT_SORT_KEYS), digest_size=3).hexdigest()
            agent = f"{agent}-{digest}"
        return AgentPolicy.model_validate({**fields, "agent": agent})

    def delegate(self, desk: Desk, ground: Ground, **told: Any) -> Desk:
        """A session of another agent to which the session at this desk hands work.

        Args:
            desk: who delegates.
            ground: what the other agent works on.
            **told: of `Session.delegate`: `task`, `scope`, `grant_id`, …; `agent` is the ground's, if not given.
        """
        agent = told.pop("agent", ground.agent)
        policy = told.pop("policy", None) or self.policy_of(ground, None, agent)
        clock = ManualClock(desk.now_us)
        options: dict[str, Any] = {"model": ground.model, **ground.told}
        if ground.tools is not None:
            options["tools"] = list(ground.tools)
        session = desk.session.delegate(agent, policy=policy, clock=clock, **{**options, **told})
        session.start()
        identity = RecordedIdentity(f"{self.key}/{desk.session_id}/{session.session_id}")
        return Desk(self, ground, session, clock, identity)

    def attach(self, desk: Desk, at_us: int) -> Session:
        """A writer that adds to a session later: an outcome, an approval given elsewhere."""
        self._opened += 1
        identity = RecordedIdentity(f"{self.key}/{self._opened}")
        header = desk.session.opening.header
        watch = self._recorders.of(self.tenant, header.agent_id, None)
        return watch.attach(desk.session_id, clock=ManualClock(at_us), identity=identity)

    def perform(self, desk: Desk, *acts: Act, end: bool = True) -> Desk:
        """Plays all that happens at a desk, with these acts at random places between its beats, in this order.

        Nothing is put before the first beat, nor after the last one.
        """
        beats = desk.ground.beats(desk)
        seams = desk.ground.seams()
        waiting = sorted((self.rng.choice(seams) for _ in acts), reverse=True)
        left = list(reversed(acts))
        for index, beat in enumerate(beats):
            while waiting and waiting[-1] == index:
                waiting.pop()
                self._splice(desk, left.pop())
            beat(desk)
        if end:
            desk.end()
        return desk

    @staticmethod
    def _splice(desk: Desk, act: Act) -> None:
        before, at_us = len(desk.messages), desk.now_us
        act(desk)
        desk.spent_us += desk.now_us - at_us
        desk.ground.note(desk.messages[before:])

    def lose(self, desk: Desk, from_us: int, until_us: int) -> None:
        """What the session tells from one moment to before another never arrives: a process that died, a full disk."""
        self.mishaps.append(Mishap(desk.session_id, from_us, until_us))

    def delay(self, desk: Desk, from_us: int, until_us: int, seconds: float) -> None:
        """What the session tells from one moment to before another arrives so much later, behind what came after it."""
        self.mishaps.append(Mishap(desk.session_id, from_us, until_us, round(seconds * SECOND_US)))

    def publish(self, topic: str, key: bytes, value: bytes, at_us: int, session_id: str = "") -> None:
        """Publishes a record on another topic than the agents' events.

        Args:
            topic: its name.
            key: the record's.
            value: the record's.
            at_us: when, epoch microseconds: it stands between what sessions tell before and after.
            session_id: it follows what this session tells at once, with no time between; else some time passes.
        """
        self.asides.append(Aside(topic, key, value, at_us, session_id))

    def sought(self, *desks: Desk, since_us: int = 0, severities: tuple[Severity, ...] = (), **evidence: Any) -> Sought:
        """What must be found, about one of these desks' sessions; see `Sought`."""
        sessions = tuple(desk.session_id for desk in desks)
        return Sought(sessions=sessions, since_us=since_us, evidence=evidence, severities=severities)

    def sought_of(
        self, subject: str, *, since_us: int = 0, severities: tuple[Severity, ...] = (), **evidence: Any
    ) -> Sought:
        """What must be found, about a subject whose name holds this text; see `Sought`."""
        return Sought(subject=subject, since_us=since_us, evidence=evidence, severities=severities)

    def any_of(self, choices: Sequence[Any]) -> Any:
        """One of these."""
        return self.rng.choice(choices)
