"""The sessions in memory: what is pinned stays, what waits for time to pass leaves last."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from watchkeeper.stream_processors.detection.session import SessionState
from watchkeeper.stream_processors.engine.remembered import Remembered
from watchkeeper.stream_processors.engine.sessions import Held, SessionKey, Sessions


def key(number: int) -> SessionKey:
    return "default", f"s-{number}"


def held(number: int, *, status: str = "open", origin: str = "live") -> Held:
    # Plain texts, so that calls are short; each is one of the names that the types allow.
    state = SessionState("default", f"s-{number}", "a", origin, 0, 0, status=status)  # type: ignore[arg-type]
    return Held(0, state)


def filled(count: int, capacity: int = 1000, *, imports: frozenset[int] = frozenset()) -> Sessions:
    sessions = Sessions(capacity, lambda state: state.origin == "live")
    for number in range(count):
        sessions.add(key(number), held(number, origin="import" if number in imports else "live"))
    return sessions


def names(sessions: Sessions, count: int) -> set[int]:
    return {number for number in range(count) if key(number) in sessions}


def test_an_ended_session_leaves_with_its_last_pin() -> None:
    sessions = filled(1)
    sessions.pin([key(0)])
    sessions.pin([key(0)])
    sessions[key(0)].state.status = "completed"
    sessions.unpin([key(0)])
    assert key(0) in sessions
    sessions.unpin([key(0)])
    assert key(0) not in sessions


def test_where_room_is_short_the_longest_untouched_leave() -> None:
    sessions = filled(4, capacity=2)
    sessions.pin([key(0)])
    sessions.unpin([key(0)])
    assert names(sessions, 4) == {0, 3}


def test_pinned_sessions_stay_even_where_room_is_short() -> None:
    sessions = filled(4, capacity=1)
    sessions.pin([key(1), key(2)])
    sessions.make_room()
    assert names(sessions, 4) == {1, 2}
    sessions.unpin([key(1), key(2)])
    assert names(sessions, 4) == {2}


def test_what_waits_for_time_to_pass_leaves_last() -> None:
    sessions = filled(6, capacity=3, imports=frozenset({4, 5}))
    sessions.make_room()
    assert names(sessions, 6) == {1, 2, 3}


def test_open_sessions() -> None:
    sessions = filled(3)
    sessions[key(1)].state.status = "failed"
    assert [found for found, _ in sessions.open()] == [key(0), key(2)]
    sessions.clear()
    assert len(sessions) == 0
    assert sessions.get(key(0)) is None


def test_to_let_go_of_what_is_not_held_is_a_mistake() -> None:
    with pytest.raises(KeyError):
        filled(1).unpin([key(7)])


@given(
    steps=st.lists(st.tuples(st.sampled_from(["pin", "unpin", "add"]), st.integers(0, 8)), max_size=80),
    capacity=st.integers(0, 5),
)
def test_pins_hold_whatever_happens(steps: list[tuple[str, int]], capacity: int) -> None:
    sessions = filled(0, capacity)
    pins = dict.fromkeys(range(9), 0)
    for step, number in steps:
        if step == "add" and key(number) not in sessions:
            sessions.add(key(number), held(number))
        elif step == "pin" and key(number) in sessions:
            sessions.pin([key(number)])
            pins[number] += 1
        elif step == "unpin" and pins[number]:
            sessions.unpin([key(number)])
            pins[number] -= 1
            assert len(sessions) <= max(capacity, sum(map(bool, pins.values())))
        assert all(key(number) in sessions for number, count in pins.items() if count)


def test_remembered_keys_are_forgotten_in_time_and_for_want_of_room() -> None:
    remembered = Remembered(2)
    remembered.add("a", 10)
    assert remembered.holds("a", 9)
    assert not remembered.holds("a", 10)
    remembered.add("b", 10)
    remembered.add("a", 20)
    remembered.add("c", 10)
    assert [name for name in "abc" if remembered.holds(name, 5)] == ["a", "c"]
    remembered.clear()
    assert not remembered.holds("a", 0)
