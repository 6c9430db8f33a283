"""An agent that does one kind of work for days, session after session, some of which go badly by chance."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from types import MappingProxyType
from typing import Any, Final

from scorecard.desk import Desk
from scorecard.ground import Job, tool
from scorecard.stage import DAY_US, HOUR_US, MINUTE_US, SECOND_US, Stage
from watchkeeper.schemas.model import from_us
from watchkeeper.schemas.scores import Score, score_id_of, subject_of_scores
from watchkeeper.schemas.topics import SCORES

TRADES: Final = (
    ("parcels", ("where_is_it", "damaged", "wrong_address", "customs")),
    ("travel", ("rebook", "refund", "seat", "baggage")),
    ("payroll", ("payslip", "overtime", "leave", "bank_account")),
    ("library", ("renew", "reserve", "fine", "new_card")),
)
LOOK_UP: Final = tool("look_up", "Looks something up.", ["about"], about="string")
SEARCH: Final = tool("search_notes", "Searches notes.", ["about"], about="string")
TO_A_PERSON: Final = tool("hand_over_to_person", "Hands the case to a person.", ["why"], why="string")
STEP_SECONDS: Final = 0.25
"""Between sessions of such a history: they are counted, and hardly one waits for another."""
NONE: Final[Mapping[str, float]] = MappingProxyType({})


@dataclass(frozen=True, slots=True)
class Time:
    """How sessions of a time are; shares are chances of each session.

    Attributes:
        unhappy: the user is not content.
        failing: its tool fails.
        declining: it does not answer.
        handing: it hands the case to a person.
        malformed: it writes arguments that nobody can read.
        searching: it uses the other one of its tools.
        poor: a grader's mean; its scores scatter around it.
        intents: weights beside those that are usual.
        only: intents of which alone this is so; all, where it is empty.
        options: of the session: versions, ….
    """

    unhappy: float = 0.0
    failing: float = 0.0
    declining: float = 0.0
    handing: float = 0.0
    malformed: float = 0.0
    searching: float = 0.2
    poor: float | None = None
    intents: Mapping[str, float] = field(default_factory=lambda: NONE)
    only: tuple[str, ...] = ()
    options: Mapping[str, Any] = field(default_factory=lambda: {"prompt_version": "p-1"})


class Season:
    """See the module.

    Args:
        stage: where it is performed.
        minutes: between sessions, about.
        looks: whether its sessions use a tool.
        **quality: what its policy says of how closely it is watched.
    """

    def __init__(self, stage: Stage, *, minutes: float = 30.0, looks: bool = True, **quality: Any) -> None:
        stage.step_seconds = STEP_SECONDS
        self._stage, self._rng, self._minutes, self._looks = stage, stage.rng, minutes, looks
        trade, intents = stage.rng.choice(TRADES)
        self.name = f"{trade}-{stage.rng.randrange(10**9)}"
        self.intents = {intent: stage.rng.uniform(1.5, 3) for intent in intents}
        tools = [LOOK_UP, SEARCH, TO_A_PERSON]
        policy = {
            "caps": {"wall_clock_seconds": 3600},
            "tools": {one["name"]: {"effect": "read"} for one in tools[:2]} | {"hand_over_to_person": {}},
            "quality": quality,
        }
        self._job = Job("support", self.name, policy, tools, ())
        # A Monday: what weekends change is asked for by those recipes that are about it.
        monday_us = stage.start_us - (from_us(stage.start_us).weekday() * DAY_US) - stage.start_us % DAY_US
        self.at_us = monday_us + 6 * HOUR_US + stage.rng.randrange(HOUR_US)

    def work(self, sessions: int, time: Time, *, feedback: bool = False, graded: bool = False) -> list[Desk]:
        """So many sessions, one after the other."""
        return [self._session(time, feedback=feedback, graded=graded) for _ in range(sessions)]

    def is_weekend(self) -> bool:
        """Whether its next session is on one."""
        return datetime.fromtimestamp(self.at_us / SECOND_US, UTC).weekday() >= 5

    def _session(self, time: Time, *, feedback: bool, graded: bool) -> Desk:
        weights = {**self.intents, **time.intents}
        (intent,) = self._rng.choices(list(weights), list(weights.values()))
        desk = self._stage.open(self._job, agent=self.name, at_us=self.at_us, intent=intent, **time.options)
        self.at_us += round(self._rng.uniform(0.6, 1.4) * self._minutes * MINUTE_US)
        usual = bool(time.only) and intent not in time.only
        desk.user(f"It is about {intent.replace('_', ' ')}, number {self._rng.randrange(10**6)}.")
        if self._looks:
            self._look(desk, time, usual=usual)
        declines = self._happens(time.declining, usual=usual)
        told = "I am afraid I cannot help with that." if declines else "That is seen to."
        desk.say(told, abstained=declines)
        if feedback:
            desk.session.outcome("thumbs", 1.0 - self._happens(time.unhappy, usual=usual), kind="feedback")
        desk.end()
        if graded and time.poor is not None:
            self._grade(desk, intent, time.poor)
        return desk

    def _look(self, desk: Desk, time: Time, *, usual: bool) -> None:
        name = SEARCH["name"] if self._rng.random() < time.searching else LOOK_UP["name"]
        fails = self._happens(time.failing, usual=usual)
        about = f"case {self._rng.randrange(10**6)}"
        given: Any = '{"about": ' if self._happens(time.malformed, usual=usual) else {"about": about}
        result = {"status": "error", "error": "the service does not answer"} if fails else {}
        desk.use(name, given, None if fails else {"about": about, "state": "open"}, **result)
        if self._happens(time.handing, usual=usual):
            desk.use(TO_A_PERSON["name"], {"why": "too difficult"}, {"taken": True})

    def _happens(self, chance: float, *, usual: bool) -> bool:
        drawn = self._rng.random()
        return drawn < chance and not usual

    def _grade(self, desk: Desk, intent: str, mean: float) -> None:
        """What a grader of the scheduler says of the session, some minutes after it."""
        value = min(1.0, max(0.0, self._rng.gauss(mean, 0.12)))
        subject = subject_of_scores(self._stage.tenant, "simulated", self.name)
        ended_us = desk.now_us
        score = Score(
            score_id=score_id_of(
                tenant_id=self._stage.tenant, source="live", session_id=desk.session_id, grader="helpful@1"
            ),
            subject=subject,
            tenant_id=self._stage.tenant,
            origin="simulated",
            source="live",
            session_id=desk.session_id,
            agent_id=self.name,
            intent=intent,
            grader="helpful@1",
            result_type="number",
            value=round(value, 3),
            occurred_at=from_us(ended_us),
            graded_at=from_us(ended_us + 3 * MINUTE_US),
        )
        line = score.model_dump_json().encode()
        self._stage.publish(SCORES.name, subject.encode(), line, ended_us + 3 * MINUTE_US, desk.session_id)
