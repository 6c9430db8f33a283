"""The same events judged again and again, as if they had never been met: CPU time, states, signals."""

from __future__ import annotations

import functools
import gc
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from harness import Figure
from heard import Heard
from timed_rules import Timed

from watchkeeper.schemas.signals import Signal
from watchkeeper.stream_processors.detection import inline_texts, reasons
from watchkeeper.stream_processors.detection import judge as judge_module
from watchkeeper.stream_processors.detection.detector import Detector
from watchkeeper.stream_processors.detection.hearing import Hearing, Place
from watchkeeper.stream_processors.detection.judge import Judge
from watchkeeper.stream_processors.detection.leak_scan import Spotted
from watchkeeper.stream_processors.detection.session import SessionState
from watchkeeper.stream_processors.prices import GenaiPriceBook

Detectors = Sequence[Detector[Any]]

RECORD = 20
"""Events that are decoded together, as a record of a busy agent holds them."""


class Deaf(Hearing):
    """Takes note of nothing: what is left is what detectors cost themselves."""

    def _found(self, detector: Any, said: Any) -> None:
        """Makes no finding."""

    def _told(self, said: Any) -> None:
        """Makes no signal."""


class NoScan:
    """Stands where the scan for secrets and personal data is."""

    def find(self, text: str) -> Sequence[Spotted]:  # noqa: ARG002 - the protocol's shape
        """See `SecretScanner.find`."""
        return ()


@dataclass
class Round:
    """One run over the events.

    Attributes:
        microseconds: of CPU an event.
    """

    microseconds: float
    sessions: dict[str, SessionState] = field(default_factory=dict)
    signals: list[Signal] = field(default_factory=list)


class Bench:
    """Judges the same events again and again.

    Args:
        warm: another run of the fleet, judged first.
        heard: the events that count.
    """

    def __init__(self, warm: Sequence[Heard], heard: Sequence[Heard], runs: int) -> None:
        self.warm = warm
        self.heard = heard
        self.runs = runs

    def judged(self, detectors: Detectors, *, deaf: bool = True, warm: bool = True) -> Round:
        """Judges all events once."""
        forget()
        judge_module.__dict__["Hearing"] = Deaf if deaf else Hearing  # the hearing is the judge's own choice
        judge = Judge(detectors, prices=GenaiPriceBook(), acting=frozenset({"live", "simulated"}), strict=True)
        if warm:
            _judge(judge, self.warm)
        gc.collect()
        return _judge(judge, self.heard)

    def least(self, sets: dict[str, Detectors], **heard_too: Detectors) -> dict[str, list[float]]:
        """Microseconds an event of each set of detectors; in turns, so that a slow minute befalls all alike.

        Args:
            sets: judged without making anything of what they say.
            heard_too: judged with their findings and signals made.
        """
        observed: dict[str, list[float]] = {name: [] for name in (*sets, *heard_too)}
        for _ in range(self.runs):
            for name, detectors in sets.items():
                observed[name].append(self.judged(detectors).microseconds)
            for name, detectors in heard_too.items():
                observed[name].append(self.judged(detectors, deaf=False).microseconds)
        return observed

    def of_clean_sessions(self, sessions: dict[str, SessionState]) -> Bench:
        """The same over the sessions alone in which nothing was found."""
        clean = {name for name, state in sessions.items() if not state.totals.findings}
        return Bench(self.warm, [one for one in self.heard if one.decoded().session_id in clean], self.runs)

    def shares(self, detectors: Detectors) -> dict[str, Figure]:
        """Microseconds an event of each detector's `step`, while all of them judge."""
        timed = Timed(detectors, len(self.heard))
        for _ in range(self.runs):
            forget()
            judge_module.__dict__["Hearing"] = Deaf  # the hearing is the judge's own choice
            judge = Judge(detectors, prices=GenaiPriceBook(), acting=frozenset({"live", "simulated"}), strict=True)
            timed.place = None
            _judge(judge, self.warm)
            _judge(judge, self.heard, timed)
        return timed.figures()


def _judge(judge: Judge, heard: Sequence[Heard], timed: Timed | None = None) -> Round:
    sessions: dict[str, SessionState] = {}
    signals: list[Signal] = []
    spent = 0
    for start in range(0, len(heard), RECORD):
        record = [(one.decoded(), one.at_us) for one in heard[start : start + RECORD]]
        begin = time.thread_time_ns()
        for offset, (event, at_us) in enumerate(record, start):
            if timed is not None:
                timed.place = offset
            judge.learn(event)
            state = sessions.get(event.session_id)
            if state is None:
                state = sessions[event.session_id] = judge.open(event)
            verdict = judge.step(state, event, clock_us=at_us, place=Place(0, offset, 0), stamped_us=at_us)
            if verdict.signals:
                signals += verdict.signals
        spent += time.thread_time_ns() - begin
    return Round(spent / 1000 / max(1, len(heard)), sessions, signals)


def forget() -> None:
    """Empties every cache of the product that is keyed by something."""
    for known in (vars(reasons)["_KNOWN"], vars(inline_texts)["_RIGHT"]):
        known.clear()
    for name, module in tuple(sys.modules.items()):
        if name.startswith("watchkeeper."):
            for one in vars(module).values():
                if isinstance(one, functools._lru_cache_wrapper) and one.cache_parameters()["maxsize"] is not None:  # noqa: SLF001 - has no public name
                    one.cache_clear()
