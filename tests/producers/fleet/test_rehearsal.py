"""The declared failures, and no other, come out of the worker's own detectors."""

from __future__ import annotations

from typing import Any

import pytest

from watchkeeper.producers.fleet.agents import AGENTS
from watchkeeper.producers.fleet.scenarios import REGISTRY
from watchkeeper.schemas.policy_file import load_policy

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


def test_each_agent_plays_somewhere(rehearsal: Any) -> None:
    assert {entry.agent for entry in rehearsal.ledger.entries()} == set(AGENTS)


def test_delegation_is_one_tree_of_three_sessions(rehearsal: Any) -> None:
    assert rehearsal.tallies["delegation"].sessions == 3


def test_who_is_stopped_has_its_best_answer_so_far(rehearsal: Any) -> None:
    (stopped,) = [entry for entry in rehearsal.ledger.entries() if entry.scenario == "tool-call-cap"]
    assert stopped.best_answer == "I am still looking through the orders."


def test_the_cached_context_would_be_over_the_cap_were_its_cached_tokens_counted(rehearsal: Any) -> None:
    (entry,) = [entry for entry in rehearsal.ledger.entries() if entry.scenario == "cached-context"]
    used, cap = rehearsal.totals[entry.session_id], load_policy(AGENTS["librarian"].policy).caps.tokens
    assert cap is not None
    assert used.tokens < 0.8 * cap < 1.5 * cap < used.input_tokens


def test_events_are_as_large_as_those_of_agents_in_production(rehearsal: Any) -> None:
    assert rehearsal.mean_bytes > 500


def test_nothing_was_lost_in_the_recorders(rehearsal: Any) -> None:
    assert rehearsal.losses == {}
