"""Scores as text: what is packed is read as it was."""

from __future__ import annotations

import json
import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from watchkeeper.stream_processors.detection.drift.scored import DriftError
from watchkeeper.stream_processors.detection.packed_scores import OTHER, SIZE, Packed, Scores, halved, pack

PACKED = st.builds(
    Packed,
    value=st.floats(0, 1),
    hour=st.integers(0, 8280),
    inclusion=st.floats(1e-4, 1),
    place=st.integers(0, OTHER),
)


@given(st.lists(PACKED, max_size=20))
def test_what_is_packed_is_read_as_it_was(scores: list[Packed]) -> None:
    text = "".join(map(pack, scores))
    assert len(text) == SIZE * len(scores)
    assert len(json.dumps(text)) == len(text) + 2, "a character would be escaped"
    found = list(Scores(text))
    assert len(found) == len(Scores(text)) == len(scores)
    for one, read in zip(scores, found, strict=True):
        assert abs(read.value - one.value) < 1e-4
        assert math.isclose(read.inclusion, one.inclusion, rel_tol=1e-3)
        assert (read.hour, read.place) == (one.hour, one.place)


@pytest.mark.parametrize("value", [0.0, 0.5, 1.0])
def test_nothing_half_and_whole_are_exact(value: float) -> None:
    (read,) = Scores(pack(Packed(value, 0, 1.0, 0)))
    assert (read.value, read.inclusion) == (value, 1.0)


def test_every_second_one_is_kept() -> None:
    text = "".join(pack(Packed(0.5, hour, 1.0, 0)) for hour in range(5))
    assert [one.hour for one in Scores(halved(text))] == [0, 2, 4]


def test_what_lies_beyond_is_held_at_the_edge() -> None:
    (read,) = Scores(pack(Packed(0.5, 10**6, 1e-9, 1000)))
    assert (read.hour, read.place) == (8280, OTHER)


@pytest.mark.parametrize(("value", "inclusion"), [(1.1, 1.0), (-0.1, 1.0), (0.5, 0.0), (0.5, 1.5)])
def test_what_is_no_score_is_refused(value: float, inclusion: float) -> None:
    with pytest.raises(DriftError, match="give a value from 0"):
        pack(Packed(value, 0, inclusion, 0))
