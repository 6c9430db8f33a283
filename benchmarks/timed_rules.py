"""What each rule takes at each event, while all of them judge."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Sequence
from typing import Any

from harness import Figure

from watchkeeper.stream_processors.detection.detector import Detector


class Timed:
    """Detectors whose `step` is timed; it keeps the least time of each at each event.

    Attributes:
        place: of the event at hand; None while nothing counts.
    """

    def __init__(self, detectors: Sequence[Detector[Any]], events: int) -> None:
        self.place: int | None = None
        self._events = events
        self._least: dict[str, dict[int, int]] = {}
        # What asking the clock twice takes is in every observation: it is taken off again.
        ticks = sorted(self._observe(lambda: (), ())[1] for _ in range(5000))
        self._clock_ns = ticks[len(ticks) // 10]
        for detector in detectors:
            self._wrap(detector)

    def figures(self) -> dict[str, Figure]:
        """Each detector's figure, by rule."""
        found = {}
        for rule_id, least in self._least.items():
            name, value = f"{rule_id}_microseconds_per_event", sum(least.values()) / 1000 / self._events
            found[rule_id] = Figure(name, value, "µs", len(least), (value, value))
        return found

    def _wrap(self, detector: Detector[Any]) -> None:
        step, least = detector.step, self._least.setdefault(detector.rule_id, {})

        def timed(*shown: Any) -> Any:
            said, spent = self._observe(step, shown)
            place = self.place
            if place is not None:
                least[place] = min(least.get(place, spent), max(0, spent - self._clock_ns))
            return said

        vars(detector)["step"] = timed

    @staticmethod
    def _observe(step: Callable[..., Iterable[Any]], shown: tuple[Any, ...]) -> tuple[Sequence[Any], int]:
        begin = time.perf_counter_ns()
        said = step(*shown)
        if type(said) is not tuple:
            # What is said one by one is worked out when it is asked for.
            said = list(said)
        return said, time.perf_counter_ns() - begin
