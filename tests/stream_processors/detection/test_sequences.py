"""Every sequence leads to what it says, and to nothing else."""

from __future__ import annotations

from collections import Counter
from typing import Any

import pytest

from watchkeeper.stream_processors.detection.catalogue import default_detectors, default_subject_rules
from watchkeeper.stream_processors.detection.sequences.hall import Hall
from watchkeeper.stream_processors.detection.sequences.library import SEQUENCES
from watchkeeper.stream_processors.detection.sequences.sequence import Sequence
from watchkeeper.stream_processors.detection.sequences.story import START_US

RULES: list[Any] = [*default_detectors(), *default_subject_rules()]
MODES = {rule.failure_mode for rule in RULES}
MONTHS = {"input_drift", "quality_drift"}
"""Modes whose sequences tell of weeks, in thousands of events."""
WITHOUT_MONTHS = [
    pytest.param(sequence, id=sequence.tenant, marks=[pytest.mark.long] * (sequence.mode in MONTHS))
    for sequence in SEQUENCES
]


@pytest.mark.parametrize("sequence", SEQUENCES, ids=lambda sequence: sequence.tenant)
@pytest.mark.parametrize("stored", [False, True], ids=["kept", "through the store"])
def test_a_sequence_leads_to_what_it_says_and_to_nothing_else(sequence: Sequence, stored: bool) -> None:
    hall = Hall(stored=stored).watch(sequence.told())
    assert sequence.faults(list(hall.latest.values())) == []


@pytest.mark.parametrize("sequence", SEQUENCES, ids=lambda sequence: sequence.tenant)
def test_a_sequence_is_told_alike_each_time(sequence: Sequence) -> None:
    assert sequence.told().events == sequence.told().events


def test_every_mode_has_three_that_fire_and_three_that_stay_quiet() -> None:
    firing = Counter(sequence.mode for sequence in SEQUENCES if sequence.fires)
    quiet = Counter(sequence.mode for sequence in SEQUENCES if not sequence.fires)
    assert {mode for mode in MODES if firing[mode] < 3} == set()
    assert {mode for mode in MODES if quiet[mode] < 3} == set()
    assert {sequence.mode for sequence in SEQUENCES} == MODES


def test_sequences_have_names_of_their_own() -> None:
    assert len({sequence.tenant for sequence in SEQUENCES}) == len(SEQUENCES)


@pytest.mark.parametrize("work", [400, pytest.param(8000, marks=pytest.mark.long)], ids=["some", "many"])
@pytest.mark.parametrize("sequence", WITHOUT_MONTHS)
def test_what_is_judged_again_after_a_crash_is_the_same(sequence: Sequence, work: int) -> None:
    events = sequence.told().events
    whole = Hall().hear(events)
    # Of a long one every few events: the work grows with the square of their number.
    for cut in range(0, len(events), 1 + len(events) ** 2 // work):
        before = Hall(stored=True).hear(events[:cut])
        after = Hall()
        after.judge.library = before.judge.library
        after.sessions, after.subjects = before.sessions, before.subjects
        after.hear(events[cut:], offset=cut)
        assert [*before.findings, *after.findings] == whole.findings


@pytest.mark.parametrize("sequence", SEQUENCES, ids=lambda sequence: sequence.tenant)
def test_a_signal_that_comes_again_changes_nothing(sequence: Sequence) -> None:
    hall = Hall().hear(sequence.told().events)
    before = [subject.dump() for subject in hall.subjects.values()]
    for signal in hall.signals:
        assert not hall.subject_judge.step(hall.subjects[signal.subject], signal, clock_us=START_US)
    assert [subject.dump() for subject in hall.subjects.values()] == before


@pytest.mark.parametrize("sequence", WITHOUT_MONTHS)
def test_time_comes_from_the_events_alone(sequence: Sequence) -> None:
    # So many whole weeks: weekdays and weekends are watched apart.
    now, later = Hall().watch(sequence.told()), Hall().watch(sequence.told(86_400_000_000 * 399))
    assert now.kinds() == later.kinds()
