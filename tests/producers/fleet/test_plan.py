from __future__ import annotations

from collections import Counter

import pytest

from watchkeeper.producers.fleet.fleet import make_plan
from watchkeeper.producers.fleet.scenarios import REGISTRY
from watchkeeper.schemas.errors import ConfigurationError

LEAST = sum(scenario.sessions for scenario in REGISTRY)


def _counts(**options: object) -> Counter[str]:
    return Counter(part.scenario.name for part in make_plan(REGISTRY, **options).parts)  # type: ignore[arg-type] # as in the calls


def test_each_scenario_is_played_as_often_as_it_asks() -> None:
    assert _counts() == {scenario.name: scenario.sessions for scenario in REGISTRY}


def test_one_seed_gives_one_plan_and_another_seed_another() -> None:
    assert make_plan(REGISTRY, seed=3) == make_plan(REGISTRY, seed=3)
    order = [part.scenario.name for part in make_plan(REGISTRY, seed=3).parts]
    assert order != [part.scenario.name for part in make_plan(REGISTRY, seed=4).parts]


def test_more_sessions_are_everyday_ones() -> None:
    everyday = sum(scenario.chapter == "everyday" for scenario in REGISTRY)
    grown = _counts(sessions=LEAST + 10 * everyday)
    assert grown.total() == LEAST + 10 * everyday
    for scenario in REGISTRY:
        if scenario.chapter == "everyday":
            assert grown[scenario.name] >= scenario.sessions + 10
        else:
            assert grown[scenario.name] == scenario.sessions


def test_sessions_that_belong_together_are_played_once_however_many_there_are_to_be() -> None:
    assert _counts(only=["offer-after-offer"], sessions=5) == {"offer-after-offer": 1}


def test_fewer_sessions_than_the_scenarios_ask_for_are_not_to_be_had() -> None:
    assert _counts(sessions=1).total() == LEAST


def test_chosen_scenarios_alone_are_played_and_grow_where_no_everyday_one_is_among_them() -> None:
    assert _counts(only=["pagination", "token-cap"], sessions=6) == {"pagination": 3, "token-cap": 3}


def test_what_waits_for_time_begins_first() -> None:
    slow = [part.scenario.slow for part in make_plan(REGISTRY, sessions=150).parts]
    assert slow == sorted(slow, reverse=True)
    assert any(slow)


def test_an_unknown_scenario_is_refused() -> None:
    with pytest.raises(ConfigurationError, match="no scenario 'nonsense'"):
        make_plan(REGISTRY, only=["nonsense"])
