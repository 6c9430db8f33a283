"""Times and durations, as recordings spell them."""

from __future__ import annotations

from typing import Any

import pytest

from watchkeeper.producers.importers import fields
from watchkeeper.schemas.model import from_us


@pytest.mark.parametrize(
    ("given", "spelled"),
    [
        ("2025-08-01T16:20:44.335657", "2025-08-01T16:20:44.335657+00:00"),
        ("2025-08-01T16:20:44Z", "2025-08-01T16:20:44+00:00"),
        ("2025-08-01T16:20:44.5+02:00", "2025-08-01T14:20:44.500000+00:00"),
        ("2025-08-01", "2025-08-01T00:00:00+00:00"),
        (1754065244, "2025-08-01T16:20:44+00:00"),
        (1754065244.335657, "2025-08-01T16:20:44.335657+00:00"),
        (1754065244335, "2025-08-01T16:20:44.335000+00:00"),
        (1754065244335657, "2025-08-01T16:20:44.335657+00:00"),
        (1754065244335657000, "2025-08-01T16:20:44.335657+00:00"),
        ("1754065244", "2025-08-01T16:20:44+00:00"),
    ],
)
def test_times_are_read_as_they_are_written(given: Any, spelled: str) -> None:
    found = fields.time_us(given)
    assert found is not None
    assert from_us(found).isoformat() == spelled


@pytest.mark.parametrize("given", [None, "", "yesterday", True, float("nan"), -1, "1969-12-31", "2300-01-01", 1e30])
def test_what_is_no_time_is_none(given: Any) -> None:
    assert fields.time_us(given) is None


@pytest.mark.parametrize(("given", "us"), [(1.5, 1_500_000), ("2", 2_000_000), (0, 0), (-1, None), (None, None)])
def test_durations_are_seconds(given: Any, us: int | None) -> None:
    assert fields.microseconds(given) == us
