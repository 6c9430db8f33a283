"""The declared failures, and no other, come out of the worker's own detectors."""

from __future__ import annotations

from typing import Any

import pytest

from watchkeeper.producers.fleet.scenarios import REGISTRY

NAMES = [scenario.name for scenario in REGISTRY]


@pytest.mark.parametrize("name", NAMES)
def test_each_scenario_leads_to_exactly_what_it_declares(name: str, rehearsal: Any) -> None:
    tally = rehearsal.tallies[name]
    assert tally.trouble == []
    assert [(seen.kind, seen.summary) for seen in tally.unexpected] == []
    assert tally.missing == []
    assert tally.found == tally.injected


@pytest.mark.parametrize("name", [scenario.name for scenario in REGISTRY if scenario.stopped])
def test_who_runs_away_is_stopped_and_learns_of_it(name: str, rehearsal: Any) -> None:
    tally = rehearsal.tallies[name]
    assert tally.must_stop == tally.stopped == REGISTRY[name].sessions
    assert all(0 <= seconds < 5 for seconds in tally.seconds_to_stop)


def test_nothing_is_said_about_sessions_that_nobody_played(rehearsal: Any) -> None:
    assert set(rehearsal.tallies) == set(NAMES)


def test_delegation_is_one_tree_of_three_sessions(rehearsal: Any) -> None:
    assert rehearsal.tallies["delegation"].sessions == 3


def test_nothing_was_lost_in_the_recorders(rehearsal: Any) -> None:
    assert rehearsal.losses == {}
