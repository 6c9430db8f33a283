from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path

import pytest

from watchkeeper.producers.fleet.agents import AGENTS
from watchkeeper.producers.fleet.pace import Pace
from watchkeeper.producers.fleet.scenario import Brief, Registry
from watchkeeper.producers.fleet.scenarios import REGISTRY
from watchkeeper.producers.fleet.worlds.all_worlds import Worlds
from watchkeeper.schemas.errors import ConfigurationError
from watchkeeper.schemas.failure_modes import FAILURE_MODES
from watchkeeper.schemas.policy_file import load_policy

DOCS = Path(__file__).parents[3] / "docs" / "demo.md"
TO_COME = {"unsafe_rule_change"}
SEEN_TODAY = set(FAILURE_MODES) - TO_COME


@pytest.mark.parametrize("agent", AGENTS.values(), ids=lambda agent: agent.name)
def test_each_agent_has_a_policy_of_its_own_for_tools_that_it_has(agent: object) -> None:
    spec = AGENTS[agent.name]  # type: ignore[attr-defined] # the values of AGENTS
    policy = load_policy(spec.policy)
    assert policy.agent == spec.name
    assert set(policy.tools) == {tool.__name__ for tool in spec.tools(Worlds(Pace(0)))}


def test_each_scenario_is_played_by_an_agent_that_there_is() -> None:
    assert {scenario.agent for scenario in REGISTRY} <= set(AGENTS)


def test_each_mode_that_is_seen_today_has_scenarios_under_its_own_name() -> None:
    assert {scenario.chapter for scenario in REGISTRY} == {"everyday", "near_miss", *SEEN_TODAY}
    for scenario in REGISTRY:
        if scenario.chapter in FAILURE_MODES:
            assert scenario.chapter in {one.failure_mode for one in scenario.expects}
        elif scenario.chapter == "everyday":
            assert scenario.clean


def test_each_kind_of_work_has_ordinary_traffic() -> None:
    """Agents of scenarios that need traffic of their own do what another agent does every day."""
    every_day = {scenario.agent for scenario in REGISTRY if scenario.chapter == "everyday"}
    tools = {_tools_of(agent) for agent in every_day}
    assert {agent for agent in AGENTS if agent not in every_day and _tools_of(agent) not in tools} == {
        *("price-watch", "front-desk"),
        *("travel-booker", "travel-payer"),
    }


def _tools_of(agent: str) -> frozenset[str]:
    return frozenset(tool.__name__ for tool in AGENTS[agent].tools(Worlds(Pace(0))))


def test_near_misses_are_clean_but_for_the_warning_at_a_cap_that_is_reached() -> None:
    accused = {scenario.name for scenario in REGISTRY if scenario.chapter == "near_miss" and not scenario.clean}
    assert accused == {"exactly-at-cap"}
    assert [one.severity for one in REGISTRY["exactly-at-cap"].expects] == ["low"]


def test_only_scenarios_under_an_enforcing_policy_promise_a_stop() -> None:
    stopped = [scenario for scenario in REGISTRY if scenario.stopped]
    assert stopped
    for scenario in stopped:
        assert load_policy(AGENTS[scenario.agent].policy).mode == "enforce"
        assert any(one.severity == "high" for one in scenario.expects)


def test_the_share_of_capped_sessions_is_above_the_policys_limit_and_large_enough_to_be_judged() -> None:
    scenario = REGISTRY["capped-share"]
    briefs = [Brief(scenario.name, number, scenario.sessions, 0) for number in range(scenario.sessions)]
    capped = [brief for brief in briefs if scenario.expected(brief)]
    limit = load_policy(AGENTS[scenario.agent].policy).thresholds.capped_sessions_share
    assert len(briefs) >= 20
    assert len(capped) >= 3
    assert len(capped) / len(briefs) > 2 * limit
    assert [one.kind for one in scenario.expected_of_agent] == ["capped_share"]


def test_two_scenarios_of_one_name_are_refused() -> None:
    scenario = REGISTRY["pagination"]
    with pytest.raises(ConfigurationError, match="two scenarios are named pagination"):
        Registry((scenario,), (replace(scenario),))


def test_an_unknown_scenario_is_named_beside_those_that_there_are() -> None:
    with pytest.raises(ConfigurationError, match=r"no scenario 'paginaton'.*pagination"):
        _ = REGISTRY["paginaton"]


def test_sessions_of_one_run_differ_and_those_of_two_runs_of_one_seed_do_not() -> None:
    one, two = Brief("pagination", 0, 2, 7), Brief("pagination", 1, 2, 7)
    assert one.key != two.key
    assert one.customer == Brief("pagination", 0, 2, 7).customer
    assert one.chance.random() == Brief("pagination", 0, 2, 7).chance.random()


def test_the_docs_list_every_scenario_as_it_is_declared() -> None:
    rows = re.findall(r"^\| `([a-z-]+)` \| `([a-z-]+)` \| (.+?) \| (.+?) \| (.+?) \|$", DOCS.read_text(), re.MULTILINE)
    declared = [
        (
            scenario.name,
            scenario.agent,
            scenario.happens,
            ", ".join(dict.fromkeys(f"`{one.kind}`" for one in scenario.expects)) or "nothing",
            scenario.shows,
        )
        for scenario in REGISTRY
    ]
    assert rows == declared


def test_the_readme_lists_the_modes_that_are_seen_today() -> None:
    readme = (DOCS.parents[1] / "README.md").read_text()
    assert set(re.findall(r"^\| `([a-z_]+)` \|", readme, re.MULTILINE)) == SEEN_TODAY
