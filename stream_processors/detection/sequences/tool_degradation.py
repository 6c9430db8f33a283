"""Sequences of `tool_degradation`."""

from __future__ import annotations

from typing import Final

from watchkeeper.schemas.failure_modes import Severity
from watchkeeper.schemas.policy import AgentPolicy
from watchkeeper.stream_processors.detection.sequences.sequence import Fires, Scene, Sequence
from watchkeeper.stream_processors.detection.sequences.story import Story

MODE: Final = "tool_degradation"
_MINUTE = 60.0
_HOUR = 3600.0
_DAY = 86_400.0


def _policy(*objectives: dict[str, object]) -> AgentPolicy:
    return AgentPolicy.model_validate({"agent": "desk", "tools": {"lookup": {"objectives": list(objectives)}}})


ERRORS: Final = _policy({"rate": "errors", "target": 0.99})
LATENCY: Final = _policy({"rate": "latency", "target": 0.95, "threshold_ms": 800.0})
NONE: Final = AgentPolicy(agent="desk")


class _Desk:
    """Tells the sessions of a desk one after the other.

    Args:
        policy: the policy of all sessions.
    """

    def __init__(self, scene: Scene, policy: AgentPolicy) -> None:
        self._scene, self._policy = scene, policy
        self.at_us = scene.start_us

    def session(self, *calls: tuple[str, float], every: float = _MINUTE) -> Story:
        """A session with calls of `lookup`: how each ended and after how many milliseconds. The next begins later."""
        story = self._scene.story(agent="desk", policy=self._policy, start_us=self.at_us)
        story.start()
        for number, (status, ms) in enumerate(calls):
            story.call("lookup", order=f"o-{len(self._scene.stories)}-{number}")
            story.result(f"{status} after {ms:g} ms", status=status, duration_us=round(ms * 1000))
        story.end()
        self.at_us += round(every * 1_000_000)
        return story

    def sessions(self, count: int, *calls: tuple[str, float], every: float = _MINUTE) -> None:
        """The same so many times."""
        for _ in range(count):
            self.session(*calls, every=every)


_OK: Final = ("ok", 120.0)
_BAD: Final = ("error", 40.0)
_SLOW: Final = ("ok", 4000.0)


def _goes_down(scene: Scene) -> None:
    desk = _Desk(scene, ERRORS)
    desk.sessions(8, _OK, _OK, every=6 * _MINUTE)
    desk.sessions(6, _OK, _BAD)


def _times_out(scene: Scene) -> None:
    desk = _Desk(scene, ERRORS)
    desk.sessions(8, _OK, _OK, every=6 * _MINUTE)
    desk.sessions(6, ("timeout", 30_000.0))


def _slows(scene: Scene) -> None:
    desk = _Desk(scene, LATENCY)
    desk.sessions(8, _OK, _OK, every=6 * _MINUTE)
    desk.sessions(6, _SLOW, _SLOW, _SLOW)


def _a_few_for_hours(scene: Scene) -> None:
    desk = _Desk(scene, ERRORS)
    desk.sessions(4, *[_OK] * 5, every=50 * _MINUTE)
    desk.sessions(8, *[_OK] * 6, _BAD, _OK, every=10 * _MINUTE)


def _recovers(scene: Scene) -> None:
    desk = _Desk(scene, ERRORS)
    desk.sessions(8, _OK, _OK, every=6 * _MINUTE)
    desk.sessions(6, _OK, _BAD)
    desk.at_us += round(10 * _MINUTE * 1_000_000)
    desk.sessions(3, _OK, _OK)


def _past(scene: Scene) -> _Desk:
    """Two days of a tool of which nobody promised anything."""
    desk = _Desk(scene, NONE)
    desk.sessions(6, *[_OK] * 18, every=8 * _HOUR)
    return desk


def _worse_than_ever(scene: Scene) -> None:
    desk = _past(scene)
    desk.sessions(12, _OK, _BAD, _BAD, every=2 * _MINUTE)


def _slower_than_ever(scene: Scene) -> None:
    desk = _past(scene)
    desk.sessions(7, _SLOW, _SLOW, _SLOW)


def _retried_by_all(scene: Scene) -> None:
    desk = _Desk(scene, NONE)
    desk.sessions(8, *[_BAD] * 4, every=30.0)


def _one_fails(scene: Scene) -> None:
    desk = _Desk(scene, ERRORS)
    desk.sessions(8, *[_OK] * 5, every=6 * _MINUTE)
    desk.session(_OK, _BAD, _OK)
    desk.sessions(3, *[_OK] * 5)


def _slow_once(scene: Scene) -> None:
    desk = _Desk(scene, LATENCY)
    desk.sessions(6, *[_OK] * 6)
    desk.session(_SLOW, _OK, _SLOW, _OK)
    desk.sessions(6, *[_OK] * 6)


def _guarded(scene: Scene) -> None:
    desk = _Desk(scene, ERRORS)
    desk.sessions(8, _OK, ("rejected", 0.0), ("cancelled", 5.0))


def _always_slow(scene: Scene) -> None:
    desk = _Desk(scene, NONE)
    desk.sessions(6, *[_SLOW] * 18, every=8 * _HOUR)
    desk.sessions(7, _SLOW, _SLOW, _SLOW)


def _always_flaky(scene: Scene) -> None:
    desk = _Desk(scene, NONE)
    desk.sessions(6, *[_OK, _BAD, _OK, _OK] * 4, _OK, _BAD, every=8 * _HOUR)
    desk.sessions(6, _OK, _BAD, _OK, _OK)


def _new_and_failing(scene: Scene) -> None:
    desk = _Desk(scene, NONE)
    desk.sessions(6, _BAD, _OK)


def _one_session_tries(scene: Scene) -> None:
    desk = _past(scene)
    desk.session(_BAD, _BAD, _BAD, _OK)
    desk.sessions(3, _OK, _OK)


def _burn(rate: str, pair: str, status: str = "open") -> Fires:
    severity: Severity = "high" if pair == "fast" else "medium"
    return Fires("budget_burn", severity=severity, evidence={"rate": rate, "pair": pair}, status=status)


SEQUENCES: Final = (
    Sequence(
        "goes-down", MODE, "Half of the calls fail; one in a hundred may.", _goes_down, (_burn("errors", "fast"),)
    ),
    Sequence("times-out", MODE, "No call comes back in time.", _times_out, (_burn("errors", "fast"),)),
    Sequence("slows", MODE, "Calls take four seconds instead of a tenth of one.", _slows, (_burn("latency", "fast"),)),
    Sequence(
        "a-few-for-hours",
        MODE,
        "One call in eight fails, for more than an hour: too slow for the fast alarm.",
        _a_few_for_hours,
        (_burn("errors", "slow"),),
    ),
    Sequence(
        "recovers", MODE, "It goes down and comes back.", _recovers, (_burn("errors", "fast", status="resolved"),)
    ),
    Sequence(
        "worse-than-ever",
        MODE,
        "Nobody promised anything, but it had never failed.",
        _worse_than_ever,
        (Fires("tool_worse", severity="medium", evidence={"what": "errors"}),),
    ),
    Sequence(
        "slower-than-ever",
        MODE,
        "Nobody promised anything, but it had been thirty times as fast.",
        _slower_than_ever,
        (Fires("tool_worse", severity="medium", evidence={"what": "latency"}),),
    ),
    Sequence(
        "retried-by-all",
        MODE,
        "Each session calls the tool that is down three times more.",
        _retried_by_all,
        (Fires("retry_storm", severity="high"),),
    ),
    Sequence("one-fails", MODE, "One call fails and the next succeeds.", _one_fails),
    Sequence("slow-once", MODE, "Two slow calls among eighty.", _slow_once),
    Sequence("guarded", MODE, "A guard refuses calls, a user cancels some: the tool is well.", _guarded),
    Sequence("always-slow", MODE, "A tool that has always taken four seconds.", _always_slow),
    Sequence("always-flaky", MODE, "A tool that fails one time in four, as it always has.", _always_flaky),
    Sequence("new-and-failing", MODE, "A tool without a past fails in six sessions.", _new_and_failing),
    Sequence("one-session-tries", MODE, "One session tries three times until it works.", _one_session_tries),
)
