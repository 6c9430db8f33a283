"""A tool that slows, fails, or is called again and again while it is down."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from random import Random
from typing import Any, Final

from scorecard.desk import Desk, ResultStatus
from scorecard.extended import Extended
from scorecard.ground import Job, tool
from scorecard.model import ModeCard, NearMiss, Recipe, Sought
from scorecard.stage import DAY_US, HOUR_US, MINUTE_US, Stage

NAMES: Final = ("find_stock", "geocode", "get_rate", "lookup_customer", "search_parts", "read_meter", "get_schedule")
FAULTS: Final[tuple[tuple[ResultStatus, str, str], ...]] = (
    ("error", "ServiceUnavailable", "503 Service Unavailable"),
    ("error", "InternalError", "500: internal error"),
    ("timeout", "Timeout", "no answer within ten seconds"),
    ("error", "ConnectionError", "connection refused"),
)
Fate = tuple[ResultStatus, str, str, float]
"""What becomes of a call: status, kind of error, what it says, and seconds."""

FINE: Final[Fate] = ("ok", "", "", 0.2)
PLACES: Final = ("Aachen", "Bruges", "Cadiz", "Delft", "Esbjerg", "Faro", "Gdansk", "Haarlem", "Innsbruck", "Jena")


@dataclass(frozen=True, slots=True)
class Health:
    """How a tool does.

    Attributes:
        failing: the share of calls that fail.
        slow: the share of calls that take long.
        long_seconds: how long those take.
    """

    failing: float = 0.0
    slow: float = 0.0
    long_seconds: tuple[float, float] = (3.0, 9.0)


WELL: Final = Health()


class Crowd:
    """Sessions of one agent that all use one tool.

    Args:
        stage: where they are opened.
        objectives: what the policy promises of the tool.
    """

    def __init__(self, stage: Stage, *objectives: Mapping[str, Any]) -> None:
        self._stage = stage
        self.tool = f"{stage.any_of(NAMES)}_{stage.rng.randrange(10**6)}"
        schema = tool(self.tool, "Looks something up.", ["about"], about="string")
        self._job: Job = stage.job("support")
        self._ground = Extended(self._job, schema)
        self._policy = {"tools": {self.tool: {"effect": "read", "objectives": list(objectives)}}}

    def work(self, begins_us: int, lasts_us: int, sessions: int, health: Health, calls: int = 6) -> None:
        """So many sessions within that time, each with some calls."""
        rng = self._stage.rng
        for at_us in sorted(begins_us + rng.randrange(lasts_us) for _ in range(sessions)):
            desk = self.open(at_us)
            fates = [_fate(rng, health) for _ in range(rng.randrange(max(1, calls - 2), calls + 2))]
            self.calls(desk, fates)
            failed = any(fate[0] != "ok" for fate in fates)
            desk.say("Some of it could not be looked up at the moment." if failed else "That is all there is.")
            desk.end()

    def open(self, at_us: int) -> Desk:
        """One session, in which somebody wants things looked up."""
        desk = self._stage.open(self._ground, policy=self._policy, at_us=at_us)
        desk.user(f"Please look up {', '.join(self._stage.rng.sample(PLACES, 3))} and the rest of the list.")
        return desk

    def calls(self, desk: Desk, fates: Sequence[Fate]) -> None:
        """The model asks for several calls at once; they run one after the other."""
        rng = desk.rng
        asked = desk.request()
        ids = [desk.identity.new_id("call") for _ in fates]
        given = [{"about": f"{rng.choice(PLACES)} {rng.randrange(10**6)}"} for _ in fates]
        shown = [
            {"id": call, "type": "function", "function": {"name": self.tool, "arguments": about}}
            for call, about in zip(ids, given, strict=True)
        ]
        desk.respond(None, request_id=asked, calls=shown)
        for call, about, (status, error, text, seconds) in zip(ids, given, fates, strict=True):
            desk.session.tool_call(self.tool, about, call_id=call)
            result: Any = {"about": about["about"], "found": rng.randrange(10**6)} if status == "ok" else text
            desk.returns(call, result, status=status, error=error or None, seconds=seconds)

    def again(self, desk: Desk, times: int) -> None:
        """One call, made again and again with what failed."""
        arguments = {"about": f"{desk.rng.choice(PLACES)} {desk.rng.randrange(10**6)}"}
        for _ in range(times):
            status, error, text = desk.rng.choice(FAULTS)
            desk.use(self.tool, arguments, text, status=status, error=error, seconds=desk.rng.uniform(0.2, 4))


def _fate(rng: Random, health: Health) -> Fate:
    seconds = rng.uniform(*health.long_seconds) if rng.random() < health.slow else rng.uniform(0.05, 0.5)
    if rng.random() < health.failing:
        return (*rng.choice(FAULTS), seconds)
    return "ok", "", "", seconds


def _errors(target: float) -> dict[str, Any]:
    return {"rate": "errors", "target": target}


def _latency(target: float) -> dict[str, Any]:
    return {"rate": "latency", "target": target, "threshold_ms": 1000}


def _outage(stage: Stage, crowd: Crowd, health: Health) -> Sought:
    """All is well for some hours, and then it is not."""
    rng, start_us = stage.rng, stage.start_us
    crowd.work(start_us, 4 * HOUR_US, rng.randrange(8, 16), WELL)
    crowd.work(start_us + 4 * HOUR_US, 55 * MINUTE_US, rng.randrange(12, 20), health)
    return stage.sought_of(crowd.tool)


def _fails(stage: Stage) -> Sought:
    """A good part of the calls fails, of a tool that is to fail hardly ever."""
    crowd = Crowd(stage, _errors(stage.any_of((0.99, 0.98, 0.995))))
    return _outage(stage, crowd, Health(failing=stage.rng.uniform(0.4, 0.9)))


def _slows(stage: Stage) -> Sought:
    """Most calls take longer than promised."""
    crowd = Crowd(stage, _latency(stage.any_of((0.95, 0.99, 0.97))))
    return _outage(stage, crowd, Health(slow=stage.rng.uniform(0.8, 1.0)))


def _burns_slowly(stage: Stage) -> Sought:
    """For a working day one call in eight or so fails, and it does not get better."""
    crowd = Crowd(stage, _errors(0.99))
    crowd.work(stage.start_us, 9 * HOUR_US, stage.rng.randrange(60, 80), Health(failing=stage.rng.uniform(0.12, 0.2)))
    # At the end it is as bad as ever: an episode that is over is taken back.
    crowd.work(stage.start_us + 9 * HOUR_US, 20 * MINUTE_US, stage.rng.randrange(7, 10), Health(failing=0.2))
    return stage.sought_of(crowd.tool)


def _fails_as_never_before(stage: Stage) -> Sought:
    """Nobody promised anything; it fails far more often than in the days before."""
    return _worse(stage, Health(failing=stage.rng.uniform(0.6, 0.95)))


def _slow_as_never_before(stage: Stage) -> Sought:
    """Nobody promised anything; its calls take many times as long as in the days before."""
    return _worse(stage, Health(slow=1.0, long_seconds=(4.0, 15.0)))


def _worse(stage: Stage, health: Health) -> Sought:
    crowd = Crowd(stage)
    past = Health(failing=stage.rng.uniform(0, 0.02))
    crowd.work(stage.start_us, 3 * DAY_US, stage.rng.randrange(30, 45), past)
    crowd.work(stage.start_us + 3 * DAY_US, 50 * MINUTE_US, stage.rng.randrange(10, 16), health)
    return stage.sought_of(crowd.tool)


def _storm(stage: Stage) -> Sought:
    """The tool is down, and many sessions keep calling it with what has just failed."""
    rng = stage.rng
    crowd = Crowd(stage)
    for number in range(rng.randrange(7, 12)):
        desk = crowd.open(stage.start_us + number * 40_000_000)
        crowd.again(desk, rng.randrange(5, 9))
        desk.say("It does not answer.")
        desk.end("failed")
    return stage.sought_of(crowd.tool)


def _one_bad_session(stage: Stage) -> None:
    """One session meets a hiccup and gets through at the second try."""
    crowd = Crowd(stage, _errors(0.95))
    begins_us = stage.start_us
    crowd.work(begins_us, 6 * HOUR_US, stage.rng.randrange(15, 25), WELL)
    desk = crowd.open(begins_us + 6 * HOUR_US)
    status, error, text = stage.any_of(FAULTS)
    crowd.calls(desk, [(status, error, text, 1.0), *[FINE] * stage.rng.randrange(3, 7)])
    desk.say("That is all there is.")
    desk.end()


def _few_calls_at_night(stage: Stage) -> None:
    """Two of three calls fail in an hour in which hardly anybody calls."""
    crowd = Crowd(stage)
    crowd.work(stage.start_us, DAY_US, stage.rng.randrange(8, 14), WELL)
    desk = crowd.open(stage.start_us + DAY_US + 2 * HOUR_US)
    fault = stage.any_of(FAULTS)
    crowd.calls(desk, [(*fault, 1.0), (*fault, 1.0), FINE])
    desk.say("One of them I could look up.")
    desk.end()


def _one_slow_call(stage: Stage) -> None:
    """One call takes half a minute, the others do not."""
    crowd = Crowd(stage, _latency(0.9))
    crowd.work(stage.start_us, 3 * HOUR_US, stage.rng.randrange(15, 25), WELL)
    desk = crowd.open(stage.start_us + 3 * HOUR_US)
    crowd.calls(desk, [("ok", "", "", stage.rng.uniform(15, 40)), *[FINE] * stage.rng.randrange(3, 7)])
    desk.say("That is all there is.")
    desk.end()


def _always_so(stage: Stage) -> None:
    """Nobody promised anything, and a part of the calls has always failed."""
    crowd = Crowd(stage)
    crowd.work(stage.start_us, 3 * DAY_US, stage.rng.randrange(30, 45), Health(failing=0.12, slow=0.1))
    crowd.work(stage.start_us + 3 * DAY_US, HOUR_US, stage.rng.randrange(6, 10), Health(failing=0.12, slow=0.1))


def _a_busy_hour(stage: Stage) -> None:
    """Many more sessions than before, with a tool that does as well as ever."""
    crowd = Crowd(stage, _errors(0.95), _latency(0.9))
    health = Health(failing=0.01, slow=0.02)
    crowd.work(stage.start_us, 6 * HOUR_US, stage.rng.randrange(6, 10), health)
    crowd.work(stage.start_us + 6 * HOUR_US, HOUR_US, stage.rng.randrange(25, 35), health)


CARD: Final = ModeCard(
    mode="tool_degradation",
    recipes=(
        Recipe("fails", "Fails far more often than promised.", _fails),
        Recipe("slows", "Takes longer than promised.", _slows),
        Recipe("burns-slowly", "Fails a little too often for a day.", _burns_slowly),
        Recipe("fails-as-never-before", "Fails far more often than it used to.", _fails_as_never_before),
        Recipe("slow-as-never-before", "Takes far longer than it used to.", _slow_as_never_before),
        Recipe("storm", "Is down, and called again and again.", _storm),
    ),
    near_misses=(
        NearMiss("one-bad-session", "A hiccup in one session.", _one_bad_session),
        NearMiss("few-calls-at-night", "Two failures where hardly anybody calls.", _few_calls_at_night),
        NearMiss("one-slow-call", "One call that takes half a minute.", _one_slow_call),
        NearMiss("always-so", "Fails and slows as often as ever.", _always_so),
        NearMiss("a-busy-hour", "More calls, as good as before.", _a_busy_hour),
    ),
)
