"""An agent that uses up what its objectives allow to go wrong before its time."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final

from scorecard.desk import Desk
from scorecard.ground import Job
from scorecard.model import ModeCard, NearMiss, Recipe, Sought
from scorecard.stage import HOUR_US, MINUTE_US, SECOND_US, Stage

QUESTIONS: Final = ("Where do I find the form?", "How long does it take?", "Who can help me?", "Is that still open?")
ANSWERS: Final = ("You find it under Services.", "It takes a few days.", "Your team lead can help.", "Yes, it is.")
REFUSALS: Final = ("I do not know that, sorry.", "I could not find anything on that.", "I'm not able to answer that.")

Way = Callable[[Desk], None]
"""How one session goes, from the first question to its end."""


class Shift:
    """Sessions of one agent under these objectives.

    Args:
        stage: where they are opened.
        objectives: of the agent's policy.
    """

    def __init__(self, stage: Stage, *objectives: Mapping[str, Any]) -> None:
        self._stage = stage
        self._ground: Job = stage.job("support")
        version = f"shift-{stage.rng.getrandbits(32):08x}"
        self._policy = {"objectives": list(objectives), "version": version}
        self.agent = ""

    def work(self, begins_us: int, lasts_us: int, sessions: int, way: Way, *, part: float = 1.0) -> None:
        """So many sessions within that time; that part of them goes this way, the others go well."""
        rng = self._stage.rng
        for at_us in sorted(begins_us + rng.randrange(lasts_us) for _ in range(sessions)):
            desk = self._stage.open(self._ground, policy=self._policy, at_us=at_us)
            self.agent = desk.session.opening.header.agent_id
            (way if rng.random() < part else well)(desk)
            desk.end()


def well(desk: Desk) -> None:
    """Two questions, two quick answers, a user who is content."""
    for _ in range(desk.rng.randrange(1, 3)):
        _answer(desk, desk.rng.uniform(0.5, 1.5))
    desk.session.outcome("acceptance", value=1.0)


def _answer(desk: Desk, seconds: float, text: str = "") -> None:
    desk.user(desk.rng.choice(QUESTIONS))
    asked = desk.request()
    desk.respond(text or desk.rng.choice(ANSWERS), request_id=asked, answer=True, seconds=seconds)


def _slow_model(desk: Desk) -> None:
    for _ in range(desk.rng.randrange(1, 4)):
        _answer(desk, desk.rng.uniform(8, 25))


def _endless(desk: Desk) -> None:
    for _ in range(desk.rng.randrange(8, 14)):
        _answer(desk, desk.rng.uniform(5, 12))


def _fails(desk: Desk) -> None:
    desk.user(desk.rng.choice(QUESTIONS))
    error = desk.rng.choice(("ServiceUnavailable", "RateLimitError", "InternalServerError"))
    desk.respond(None, request_id=desk.request(), seconds=desk.rng.uniform(0.5, 4), error=error, finish_reason="error")
    desk.end("failed", error=error)


def _declines(desk: Desk) -> None:
    _answer(desk, desk.rng.uniform(0.5, 2), desk.rng.choice(REFUSALS))


def _disappoints(desk: Desk) -> None:
    _answer(desk, desk.rng.uniform(0.5, 2))
    desk.session.outcome("acceptance", value=0.0)


def _is_stopped(desk: Desk) -> None:
    _answer(desk, desk.rng.uniform(0.5, 2))
    desk.end("stopped", reason="the user closed the window")


def _turns(stage: Stage, way: Way, *objectives: Mapping[str, Any], least: float = 0.6) -> Sought:
    """Some hours go well, and then most sessions do not, to the end."""
    rng = stage.rng
    shift = Shift(stage, *objectives)
    shift.work(stage.start_us, 5 * HOUR_US, rng.randrange(12, 24), well)
    shift.work(stage.start_us + 5 * HOUR_US, 50 * MINUTE_US, rng.randrange(18, 30), way, part=rng.uniform(least, 1.0))
    # At the end it is as bad as ever: an episode that is over is taken back.
    shift.work(stage.start_us + 5 * HOUR_US + 50 * MINUTE_US, 2 * MINUTE_US, rng.randrange(5, 8), way)
    return stage.sought_of(shift.agent, kind="budget_burn", rate=str(objectives[0]["rate"]))


def _long_sessions(stage: Stage) -> Sought:
    """Sessions take far longer than promised."""
    threshold = stage.rng.randrange(40, 60) * 1000
    return _turns(stage, _endless, {"rate": "latency", "target": 0.95, "threshold_ms": threshold})


def _slow_steps(stage: Stage) -> Sought:
    """The model takes long for each answer, though sessions may still end in time."""
    target = stage.any_of((0.9, 0.95, 0.99))
    return _turns(stage, _slow_model, {"rate": "latency", "target": target, "threshold_ms": 5000, "step": "response"})


def _failing_sessions(stage: Stage) -> Sought:
    """Requests to the model fail, and the sessions with them."""
    return _turns(stage, _fails, {"rate": "errors", "target": stage.any_of((0.95, 0.98, 0.99))})


def _unhelpful(stage: Stage) -> Sought:
    """The agent declines most questions."""
    return _turns(stage, _declines, {"rate": "abstentions", "target": stage.any_of((0.85, 0.9, 0.95))})


def _not_accepted(stage: Stage) -> Sought:
    """Users take back what the agent proposed."""
    return _turns(stage, _disappoints, {"rate": "acceptance", "target": stage.any_of((0.8, 0.9))}, least=0.8)


def _one_long_session(stage: Stage) -> None:
    """One session takes long among many that do not."""
    shift = Shift(stage, {"rate": "latency", "target": 0.9, "threshold_ms": 60_000})
    shift.work(stage.start_us, 5 * HOUR_US, stage.rng.randrange(15, 25), well)
    shift.work(stage.start_us + 5 * HOUR_US, 30 * SECOND_US, 1, _endless)


def _within_budget(stage: Stage) -> None:
    """Now and then it declines, as often as its objective allows."""
    shift = Shift(stage, {"rate": "abstentions", "target": 0.8})
    shift.work(stage.start_us, 6 * HOUR_US, stage.rng.randrange(30, 45), _declines, part=0.1)


def _few_at_night(stage: Stage) -> None:
    """Two sessions fail while hardly anybody is there."""
    shift = Shift(stage, {"rate": "errors", "target": 0.95})
    shift.work(stage.start_us, 6 * HOUR_US, stage.rng.randrange(8, 16), well)
    shift.work(stage.start_us + 8 * HOUR_US, HOUR_US, 2, _fails)


def _closed_by_users(stage: Stage) -> None:
    """Users close the window before the end: nothing failed."""
    shift = Shift(stage, {"rate": "errors", "target": 0.99})
    shift.work(stage.start_us, 5 * HOUR_US, stage.rng.randrange(20, 35), _is_stopped, part=0.6)


def _a_busy_hour(stage: Stage) -> None:
    """Many more sessions, as good as before."""
    shift = Shift(
        stage, {"rate": "latency", "target": 0.95, "threshold_ms": 60_000}, {"rate": "errors", "target": 0.99}
    )
    shift.work(stage.start_us, 5 * HOUR_US, stage.rng.randrange(6, 10), well)
    shift.work(stage.start_us + 5 * HOUR_US, HOUR_US, stage.rng.randrange(30, 45), well)


CARD: Final = ModeCard(
    mode="latency_budget",
    recipes=(
        Recipe("long-sessions", "Sessions take longer than promised.", _long_sessions),
        Recipe("slow-steps", "Answers of the model take longer than promised.", _slow_steps),
        Recipe("failing-sessions", "Sessions fail more often than promised.", _failing_sessions),
        Recipe("unhelpful", "Declines more often than promised.", _unhelpful),
        Recipe("not-accepted", "Is accepted less often than promised.", _not_accepted),
    ),
    near_misses=(
        NearMiss("one-long-session", "One session takes long.", _one_long_session),
        NearMiss("within-budget", "Declines as often as it may.", _within_budget),
        NearMiss("few-at-night", "Two failures where hardly anybody is.", _few_at_night),
        NearMiss("closed-by-users", "Sessions that users close.", _closed_by_users),
        NearMiss("a-busy-hour", "More sessions, as good as before.", _a_busy_hour),
    ),
)
