"""How far a state has read, over logs that were forgotten too."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from watchkeeper.stream_processors.detection.reading import covers, position, reach
from watchkeeper.stream_processors.detection.subjects import SubjectState
from watchkeeper.stream_processors.engine.stage import next_version


def state() -> SubjectState:
    return SubjectState("agent:t/live/a", "t", "live", "a")


def test_what_stands_at_or_below_the_offset_of_its_log_is_covered() -> None:
    one = state()
    assert not covers(one, "log-1", 0)
    reach(one, "log-1", 7)
    assert [covers(one, "log-1", offset) for offset in (6, 7, 8)] == [True, True, False]


def test_a_broker_that_forgot_everything_counts_anew_and_nothing_there_is_covered() -> None:
    one = state()
    reach(one, "log-1", 7)
    assert not covers(one, "log-2", 0)
    reach(one, "log-2", 0)
    assert (one.offset, position(one)) == (0, 8)
    assert [covers(one, "log-2", offset) for offset in (0, 1)] == [True, False]


def test_a_log_that_is_not_known_is_held_for_the_same() -> None:
    one = state()
    reach(one, "", 7)
    reach(one, "log-1", 9)
    assert (one.log, one.offset, position(one)) == ("log-1", 9, 9)
    assert covers(one, "", 9)


@given(logs=st.lists(st.lists(st.integers(0, 50), min_size=1, max_size=8), min_size=1, max_size=5))
def test_the_one_that_has_read_further_has_the_higher_version_whatever_it_wrote_before(logs: list[list[int]]) -> None:
    busy, lazy = state(), state()
    for number, offsets in enumerate(logs):
        for offset in sorted(set(offsets)):
            reach(busy, f"log-{number}", offset)
            busy.version = next_version(busy.version, position(busy))
        # The other writes once, having read only so far as the last but one: it must not win, whenever it writes.
        if len(set(offsets)) > 1:
            behind = SubjectState(
                **{name: getattr(lazy, name) for name in ("subject", "tenant_id", "origin", "agent_id")}
            )
            behind.offset, behind.log, behind.passed, behind.version = lazy.offset, lazy.log, lazy.passed, lazy.version
            reach(behind, f"log-{number}", sorted(set(offsets))[-2])
            assert next_version(behind.version, position(behind)) < busy.version
        lazy.offset, lazy.log, lazy.passed, lazy.version = busy.offset, busy.log, busy.passed, busy.version
