"""Sequences of `latency_budget`."""

from __future__ import annotations

from typing import Any, Final

from watchkeeper.schemas.failure_modes import Severity
from watchkeeper.schemas.policy import AgentPolicy
from watchkeeper.stream_processors.detection.sequences.sequence import Fires, Scene, Sequence
from watchkeeper.stream_processors.detection.sequences.story import Story

MODE: Final = "latency_budget"
_MINUTE = 60.0
_HOUR = 3600.0


def _policy(**objective: Any) -> AgentPolicy:
    return AgentPolicy.model_validate({"agent": "desk", "objectives": [{"target": 0.9} | objective]})


SESSIONS: Final = _policy(rate="latency", threshold_ms=10_000.0)
REQUESTS: Final = _policy(rate="latency", threshold_ms=2000.0, step="response", target=0.95)
FAILURES: Final = _policy(rate="errors")
BROKEN_REQUESTS: Final = _policy(rate="errors", step="response")
BLOCKS: Final = _policy(rate="guard_blocks")
ACCEPTED: Final = _policy(rate="acceptance", target=0.8)
ABSTAINS: Final = _policy(rate="abstentions")
NONE: Final = AgentPolicy(agent="desk")


class _Desk:
    """Tells the sessions of a desk one after the other."""

    def __init__(self, scene: Scene, policy: AgentPolicy) -> None:
        self._scene, self._policy = scene, policy
        self.at_us = scene.start_us

    def begin(self, every: float = _MINUTE) -> Story:
        """A session; the next begins later."""
        story = self._scene.story(agent="desk", policy=self._policy, start_us=self.at_us)
        story.start()
        self.at_us += round(every * 1_000_000)
        return story

    def sessions(self, count: int, seconds: float, *, every: float = _MINUTE, status: str = "completed") -> None:
        """Sessions that take so long."""
        for _ in range(count):
            story = self.begin(every)
            story.wait(seconds)
            story.end(status)

    def requests(self, count: int, *ms: float, every: float = _MINUTE) -> None:
        """Sessions with requests that take so long."""
        for _ in range(count):
            story = self.begin(every)
            for duration in ms:
                story.response(200, 20, duration_us=round(duration * 1000))
            story.end()

    def answers(self, count: int, text: str, *, every: float = _MINUTE, **data: Any) -> None:
        """Sessions with one answer."""
        for _ in range(count):
            story = self.begin(every)
            story.response(200, 20, answer=True, text=story.content(text), **data)
            story.end()

    def outcomes(self, count: int, value: float, *, every: float = _MINUTE) -> None:
        """Sessions of which it becomes known what came of them."""
        for _ in range(count):
            story = self.begin(every)
            story.end()
            story.writer = "feedback"
            story.say("outcome", {"name": "acceptance", "kind": "business", "value": value})


def _too_long(scene: Scene) -> None:
    desk = _Desk(scene, SESSIONS)
    desk.sessions(4, 3, every=5 * _MINUTE)
    desk.sessions(9, 20)


def _hang(scene: Scene) -> None:
    desk = _Desk(scene, SESSIONS)
    for _ in range(6):
        desk.begin(every=1.0).response(200, 20)
    scene.silence_seconds = 30


def _slow_model(scene: Scene) -> None:
    desk = _Desk(scene, REQUESTS)
    desk.requests(3, 700, every=5 * _MINUTE)
    desk.requests(8, 6000, 800, 7000)


def _slow_for_hours(scene: Scene) -> None:
    desk = _Desk(scene, REQUESTS)
    desk.requests(3, 800, 900, every=80 * _MINUTE)
    desk.requests(12, 800, 4000, 900, 700, 5000, every=10 * _MINUTE)


def _fail(scene: Scene) -> None:
    desk = _Desk(scene, FAILURES)
    desk.sessions(3, 2, every=5 * _MINUTE)
    desk.sessions(8, 2, status="failed")


def _cascade(scene: Scene) -> None:
    desk = _Desk(scene, BROKEN_REQUESTS)
    desk.requests(3, 500, every=5 * _MINUTE)
    for session in range(6):
        story = desk.begin()
        for attempt in range(3):
            story.response(300, 0, error_type="overloaded")
            story.call(("find", "fetch")[session % 2], query=f"attempt {attempt} of {session}")
            story.result(f"no answer to {attempt} of {session}", status="timeout", duration_us=900_000)
        story.end("failed")


def _blocked(scene: Scene) -> None:
    desk = _Desk(scene, BLOCKS)
    for session in range(6):
        story = desk.begin()
        for number, status in enumerate(["ok", "rejected", "rejected"]):
            story.call("send", to=f"c-{session}-{number}")
            story.result(f"{status} {session} {number}", status=status)
        story.end()


def _declined(scene: Scene) -> None:
    desk = _Desk(scene, ACCEPTED)
    desk.outcomes(5, 1.0, every=5 * _MINUTE)
    desk.outcomes(12, 0.0)


def _abstains(scene: Scene) -> None:
    desk = _Desk(scene, ABSTAINS)
    desk.answers(2, "It leaves at nine.", every=5 * _MINUTE)
    desk.answers(4, "I could not find that.")
    desk.answers(3, "Please ask somebody else about that.", abstained=True)


def _recovers(scene: Scene) -> None:
    desk = _Desk(scene, SESSIONS)
    desk.sessions(4, 3, every=5 * _MINUTE)
    desk.sessions(9, 20)
    desk.at_us += round(10 * _MINUTE * 1_000_000)
    desk.sessions(3, 3)


def _one_long_session(scene: Scene) -> None:
    desk = _Desk(scene, SESSIONS)
    desk.sessions(5, 3)
    desk.sessions(1, 60)
    desk.sessions(5, 3)


def _one_with_much_to_read(scene: Scene) -> None:
    desk = _Desk(scene, REQUESTS)
    desk.requests(4, 800, every=5 * _MINUTE)
    desk.requests(1, *[6000.0] * 12)


def _within(scene: Scene) -> None:
    desk = _Desk(scene, REQUESTS)
    for _ in range(4):
        desk.requests(4, 800, 900, 700, 1100, 1900)
        desk.requests(1, 4000, 900)


def _nothing_promised(scene: Scene) -> None:
    desk = _Desk(scene, NONE)
    desk.sessions(6, 50, status="failed")


def _stopped(scene: Scene) -> None:
    desk = _Desk(scene, FAILURES)
    desk.sessions(8, 2, status="stopped")


def _just_in_time(scene: Scene) -> None:
    desk = _Desk(scene, SESSIONS)
    # Two events take a tenth of a second each.
    desk.sessions(8, 9.9)


def _refused_once(scene: Scene) -> None:
    desk = _Desk(scene, BLOCKS)
    for session in range(6):
        story = desk.begin()
        for number in range(5):
            story.call("send", to=f"c-{session}-{number}")
            status = "rejected" if number == session == 3 else "ok"
            story.result(f"{status} {session} {number}", status=status)
        story.end()


def _mostly_accepted(scene: Scene) -> None:
    desk = _Desk(scene, ACCEPTED)
    for _ in range(4):
        desk.outcomes(5, 1.0)
        desk.outcomes(1, 0.0)


def _retries_once(scene: Scene) -> None:
    desk = _Desk(scene, BROKEN_REQUESTS)
    for _ in range(8):
        story = desk.begin()
        for error in ("", "", "overloaded", "", "", "", "", "", "", "", "", ""):
            story.response(100, 10, error_type=error)
        story.end()


def _burn(rate: str, pair: str = "fast", status: str = "open", **evidence: Any) -> tuple[Fires]:
    severity: Severity = "high" if pair == "fast" else "medium"
    told = {"rate": rate, "pair": pair} | evidence
    return (Fires("budget_burn", severity=severity, evidence=told, status=status),)


SEQUENCES: Final = (
    Sequence(
        "too-long",
        MODE,
        "Sessions take twenty seconds; nine of ten are to take ten.",
        _too_long,
        _burn("latency", of="session"),
    ),
    Sequence("hang", MODE, "Sessions begin and never come to an end.", _hang, _burn("latency", of="session")),
    Sequence(
        "slow-model",
        MODE,
        "Two of three requests to the model take six seconds instead of one.",
        _slow_model,
        _burn("latency", of="response"),
    ),
    Sequence(
        "slow-for-hours",
        MODE,
        "Two requests in five are slow, for two hours: too few for the fast alarm.",
        _slow_for_hours,
        _burn("latency", "slow", of="response"),
    ),
    Sequence("fail", MODE, "Eight sessions in a row fail.", _fail, _burn("errors", of="session")),
    Sequence(
        "cascade",
        MODE,
        "The model is overloaded, tools time out, and everything is tried again.",
        _cascade,
        (*_burn("errors", of="response"), Fires("retry_cascade", severity="high", evidence={"of": "response"})),
    ),
    Sequence("blocked", MODE, "A guard refuses two calls of three.", _blocked, _burn("guard_blocks", of="step")),
    Sequence("declined", MODE, "Customers no longer accept what is offered.", _declined, _burn("acceptance")),
    Sequence(
        "abstains", MODE, "The agent declines to answer most questions.", _abstains, _burn("abstentions", of="answer")
    ),
    Sequence(
        "recovers", MODE, "Sessions are slow for a while.", _recovers, _burn("latency", status="resolved", of="session")
    ),
    Sequence("one-long-session", MODE, "One session of eleven takes a minute.", _one_long_session),
    Sequence("much-to-read", MODE, "One session has much to read: all its requests are slow.", _one_with_much_to_read),
    Sequence("within", MODE, "One request in twenty is slow, as the objective allows.", _within),
    Sequence("nothing-promised", MODE, "Slow sessions that fail, and nobody promised anything.", _nothing_promised),
    Sequence("stopped", MODE, "Somebody stops eight sessions.", _stopped),
    Sequence("just-in-time", MODE, "Each session takes as long as it may.", _just_in_time),
    Sequence("refused-once", MODE, "A guard refuses one call of thirty.", _refused_once),
    Sequence("mostly-accepted", MODE, "One offer in six is declined.", _mostly_accepted),
    Sequence("retries-once", MODE, "One request in twelve fails and is made again.", _retries_once),
)
