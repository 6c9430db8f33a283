"""Recorded times are kept; missing ones follow from them, or from the recording itself."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from watchkeeper.producers.importers.model import RecordedMessage, RecordedSession
from watchkeeper.producers.importers.times import BASE, DAY_US, STEP_US, timeline_of
from watchkeeper.schemas.model import to_us

HASH = "ab" * 32


def at(*times: int | tuple[int | None, int | None] | None) -> RecordedSession:
    """A session of messages with these times; a pair has a duration."""
    messages = []
    for time in times:
        at_us, duration_us = time if isinstance(time, tuple) else (time, None)
        messages.append(RecordedMessage("assistant", {}, at_us=at_us, duration_us=duration_us))
    return RecordedSession(HASH, "s", "neutral", messages=messages)


def spans(session: RecordedSession) -> list[tuple[int, int]]:
    return [(span.begun_us, span.done_us) for span in timeline_of(session).spans]


def test_a_time_alone_is_when_the_message_was_complete() -> None:
    assert spans(at(100, 250)) == [(100, 100), (100, 250)]


def test_a_time_beside_a_duration_is_when_the_message_began() -> None:
    assert spans(at((100, 40), (200, 50))) == [(100, 140), (200, 250)]


def test_a_duration_alone_counts_from_the_message_before() -> None:
    assert spans(at(100, (None, 40))) == [(100, 100), (100, 140)]


def test_missing_times_follow_in_steps_but_never_pass_the_next_recorded_one() -> None:
    assert spans(at(10_000, None, None, 11_500)) == [
        (10_000, 10_000),
        (10_000, 11_000),
        (11_000, 11_500),
        (11_500, 11_500),
    ]


def test_messages_before_the_first_recorded_time_have_that_time() -> None:
    timeline = timeline_of(at(None, None, 5_000_000))
    assert timeline.began_us == 5_000_000
    assert {span.done_us for span in timeline.spans} == {5_000_000}


def test_times_that_go_back_stay_as_they_were_recorded() -> None:
    assert spans(at(500, 300, 400)) == [(500, 500), (300, 300), (300, 400)]


def test_it_is_said_where_the_times_come_from() -> None:
    origins = [timeline_of(session).origin for session in (at(1, 2), at(1, None), at(None, None), at())]
    assert origins == ["recorded", "partly", "derived", "derived"]


def test_a_duration_counts_as_measured() -> None:
    assert [span.measured for span in timeline_of(at(100, (200, 0), (None, 7), None)).spans] == [
        False,
        True,
        True,
        False,
    ]


@given(count=st.integers(0, 300), fingerprint=st.text("0123456789abcdef", min_size=64, max_size=64))
def test_without_any_time_a_session_lies_on_one_day_and_always_on_the_same_place(count: int, fingerprint: str) -> None:
    session = at(*[None] * count)
    session.fingerprint = fingerprint
    timeline = timeline_of(session)
    assert timeline == timeline_of(session)
    ends = [timeline.began_us, *(span.done_us for span in timeline.spans)]
    assert ends == sorted(ends)
    assert to_us(BASE) <= ends[0] <= ends[-1] < to_us(BASE) + DAY_US
    assert all(later - earlier == STEP_US for earlier, later in pairwise(ends[1:]))


_TIMES: Any = st.lists(
    st.one_of(st.none(), st.integers(0, 10**7), st.tuples(st.none(), st.integers(0, 10**6))), max_size=30
)


@given(_TIMES)
def test_every_recorded_time_is_kept_whatever_stands_around_it(times: list[Any]) -> None:
    session = at(*times)
    for message, span in zip(session.messages, timeline_of(session).spans, strict=True):
        assert span.begun_us <= span.done_us
        if message.at_us is not None:
            assert span.done_us == message.at_us
