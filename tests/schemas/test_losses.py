"""What producers say they lost, as workers read it."""

from __future__ import annotations

import pytest

from watchkeeper.schemas.losses import LOST_ATTRIBUTE, LOST_REASONS_ATTRIBUTE, lost_so_far
from watchkeeper.stream_processors.detection.sequence import WriterState, newly_lost


@pytest.mark.parametrize(
    ("total", "reasons", "expected"),
    [
        (None, "queue_full:3", {}),
        (0, None, {}),
        (-3, None, {}),
        (True, None, {}),
        ("5", None, {}),
        (5, None, {"untold": 5}),
        (5, "queue_full:3,too_large:2", {"queue_full": 3, "too_large": 2}),
        (5, "queue_full:3", {"queue_full": 3, "untold": 2}),
        (5, "queue_full:9", {"untold": 5}),
        (5, "stolen:5", {"untold": 5}),
        (5, "queue_full:-5", {"untold": 5}),
        (5, "queue_full:x,,:", {"untold": 5}),
        (5, "queue_full:1," * 500, {"untold": 5}),
        (5, 7, {"untold": 5}),
        (10**18, None, {"untold": 2**31}),
    ],
)
def test_what_an_event_says_is_taken_with_care(total: object, reasons: object, expected: dict[str, int]) -> None:
    given = {LOST_ATTRIBUTE: total, LOST_REASONS_ATTRIBUTE: reasons}
    assert lost_so_far({name: value for name, value in given.items() if value is not None}) == expected


def told(**reasons: int) -> dict[str, object]:
    text = ",".join(f"{name}:{count}" for name, count in reasons.items())
    return {LOST_ATTRIBUTE: sum(reasons.values()), LOST_REASONS_ATTRIBUTE: text}


def test_what_was_counted_before_is_not_counted_again() -> None:
    writer = WriterState()
    assert newly_lost(writer, told(queue_full=3)) == {"queue_full": 3}
    assert newly_lost(writer, told(queue_full=3)) == {}
    assert newly_lost(writer, told(queue_full=4, too_large=2)) == {"queue_full": 1, "too_large": 2}
    # An event that came late says what was lost when it was told.
    assert newly_lost(writer, told(queue_full=3)) == {}
    assert newly_lost(writer, told(queue_full=4, too_large=2)) == {}
    # Other reasons for the same losses.
    assert newly_lost(writer, {LOST_ATTRIBUTE: 8}) == {"untold": 2}
