from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from watchkeeper.stream_processors.detection.drift.family import alarms_of

EVIDENCES = st.dictionaries(st.sampled_from("abcdefgh"), st.floats(0, 20), max_size=8)


@given(EVIDENCES)
def test_as_many_alarm_as_have_their_part_of_what_all_need(evidences: dict[str, float]) -> None:
    found = alarms_of(evidences)
    size = len(evidences)
    fitting = [count for count in range(1, size + 1) if sum(v >= size / count for v in evidences.values()) >= count]
    assert len(found) == max(fitting, default=0)
    assert all(evidences[name] >= size / len(found) for name in found)


@given(EVIDENCES)
def test_while_the_mean_evidence_is_below_an_alarm_none_alarms(evidences: dict[str, float]) -> None:
    """What the promise of the whole family rests on."""
    if evidences and sum(evidences.values()) / len(evidences) < 1:
        assert not alarms_of(evidences)


@given(EVIDENCES, st.integers(0, 20))
def test_members_that_are_not_shown_are_without_evidence(evidences: dict[str, float], more: int) -> None:
    padded = evidences | {f"unseen-{number}": 0.0 for number in range(more)}
    assert alarms_of(evidences, members=len(evidences) + more) == alarms_of(padded)


def test_one_alone_needs_more_than_many_together() -> None:
    assert alarms_of({"a": 3.9, "b": 0.0, "c": 0.0, "d": 0.0}) == ()
    assert alarms_of({"a": 4.1, "b": 0.0, "c": 0.0, "d": 0.0}) == ("a",)
    assert alarms_of({"a": 1.1, "b": 1.3, "c": 1.2, "d": 1.4}) == ("d", "b", "c", "a")
    assert alarms_of({}) == ()
