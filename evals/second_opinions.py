"""What ADWIN and Page-Hinkley (river) say of the same scores. They are shown beside an alarm, and decide nothing.

Neither promises how often it alarms without cause; `make drift-bench` measures it beside the e-detector. They need the
extra `drift`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Opinion:
    """What one detector says.

    Attributes:
        detector: its name and settings.
        alarms: after how many of the scores it alarmed, each time.
    """

    detector: str
    alarms: tuple[int, ...]


def second_opinions(reference: Sequence[float], scores: Sequence[float]) -> tuple[Opinion, ...]:
    """Shows each detector the reference window, then the scores, and says when it alarmed for these.

    Raises:
        ModuleNotFoundError: river is not installed: `pip install 'watchkeeper[drift]'`.
    """
    from river import drift  # noqa: PLC0415 - an optional extra, which the module's own import must not need

    made: tuple[tuple[str, Any], ...] = (
        ("ADWIN, delta 0.002", drift.ADWIN(delta=0.002)),  # type: ignore[no-untyped-call]  # river types methods only
        ("Page-Hinkley for falls, threshold 50", drift.PageHinkley(mode="down")),
    )
    return tuple(Opinion(name, _alarms(detector, reference, scores)) for name, detector in made)


def _alarms(detector: Any, reference: Sequence[float], scores: Sequence[float]) -> tuple[int, ...]:
    for value in reference:
        detector.update(value)
    found = []
    for count, value in enumerate(scores, 1):
        detector.update(value)
        if detector.drift_detected:
            found.append(count)
    return tuple(found)
