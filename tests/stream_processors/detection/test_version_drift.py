from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from watchkeeper.schemas.model import from_us
from watchkeeper.schemas.signals import SessionFacts
from watchkeeper.stream_processors.detection.sequences.story import START_US
from watchkeeper.stream_processors.detection.session_rules.session_facts import SessionFactsRule
from watchkeeper.stream_processors.detection.subject_rules.version_drift import (
    MAX_RELEASES,
    MAX_TOLD,
    MAX_VALUES,
    VersionDrifts,
    VersionDriftState,
)


def facts(what: str, value: str, *, release: str = "1", version: str = "", environment: str = "prod") -> SessionFacts:
    return SessionFacts.model_validate(
        {
            "signal_id": "s",
            "subject": "agent:t/live/a",
            "tenant_id": "t",
            "origin": "live",
            "session_id": "s",
            "agent_id": "a",
            "occurred_at": from_us(START_US),
            "source_partition": 0,
            "agent_version": release,
            "environment": environment,
            "facts": [{"what": what, "value": value, "shown": value, "version": version}],
        }
    )


def folded(*signals: SessionFacts) -> list[Any]:
    rule, state = VersionDrifts(), VersionDriftState()
    return [one for signal in signals for one in rule.fold(state, signal)]


def changes(what: str, values: str, **told: Any) -> list[tuple[str, str]]:
    """What is found of sessions that had these values, one letter each."""
    found = folded(*(facts(what, value, **told) for value in values))
    return [(one.evidence.before, one.evidence.after) for one in found if one.evidence.kind == "version_drift"]


@pytest.mark.parametrize(
    ("what", "values", "found"),
    [
        ("tools", "a", []),
        ("tools", "aaaa", []),
        ("tools", "ab", [("a", "b")]),
        ("tools", "abab", [("a", "b")]),
        ("tools", "abaaa", [("a", "b")]),
        ("tools", "abcdefgh", [("a", "b")]),
        ("tools", "abbbc", [("a", "b"), ("b", "c")]),
        ("tools", "abbc", [("a", "b")]),
        ("system", "ab", []),
        ("system", "aab", []),
        ("system", "aaab", [("a", "b")]),
        ("system", "abcabcabcd", [("c", "d")]),
        ("system", "abcdefgh", []),
    ],
)
def test_what_is_new_against_what_had_settled(what: str, values: str, found: list[tuple[str, str]]) -> None:
    assert changes(what, values) == found


@pytest.mark.parametrize(
    ("models", "found"),
    [
        (["gpt-4o", "gpt-4o-2024-08-06"], 0),
        (["gpt-4o-2024-08-06", "gpt-4o"], 0),
        (["gpt-4o", "gpt-4o-2024-08-06", "gpt-4o", "gpt-4o", "gpt-4o-2024-11-20"], 1),
        (["gpt-4o-2024-08-06", "gpt-4o-2024-11-20"], 1),
        (["claude-3-5-sonnet-latest", "claude-3-5-sonnet-20241022"], 0),
        (["claude-3-5-sonnet-20240620", "claude-3-5-sonnet-20241022"], 1),
        (["gpt-4o", "gpt-4o-mini"], 1),
        (["gpt-4", "gpt-4-0613"], 0),
        (["o3", "o4-mini"], 1),
    ],
)
def test_a_dated_name_of_a_model_is_its_undated_one(models: list[str], found: int) -> None:
    assert len(folded(*(facts("model", model) for model in models))) == found


@pytest.mark.parametrize(("versions", "found"), [(("1", "2"), 0), (("1", "1"), 1), (("", ""), 1), (("1", ""), 1)])
def test_a_policy_announces_itself_by_its_version(versions: tuple[str, str], found: int) -> None:
    signals = [facts("policy", f"u-{place}", version=version) for place, version in enumerate(versions)]
    assert len(folded(*signals)) == found


def test_releases_and_environments_have_registries_of_their_own() -> None:
    assert (
        folded(facts("tools", "a"), facts("tools", "b", release="2"), facts("tools", "c", environment="staging")) == []
    )


def test_what_changes_too_often_is_told_so_once() -> None:
    found = folded(*(facts("tools", letter) for letter in "aaabbbcccdddeeefffggghhh"))
    assert [one.evidence.kind for one in found] == ["version_drift"] * MAX_TOLD + ["unjudged"]


@given(st.lists(st.sampled_from("abcd"), max_size=40))
def test_each_value_is_told_once_at_most_and_the_first_never(values: list[str]) -> None:
    after = [new for _, new in changes("tools", "".join(values))]
    assert len(set(after)) == len(after)
    assert not values or values[0] not in after


@given(st.lists(st.sampled_from("ab"), min_size=1, max_size=40))
def test_of_two_that_alternate_one_is_told(values: list[str]) -> None:
    assert len(changes("model_version", "".join(values))) == len(set(values)) - 1


def test_the_state_of_an_agent_stays_small() -> None:
    rule, state = VersionDrifts(), VersionDriftState()
    for number in range(200):
        list(rule.fold(state, facts("tools", f"value {number}", release=f"{number // 20}")))
    assert len(state.releases) == MAX_RELEASES
    assert all(len(one["values"]) <= MAX_VALUES for kinds in state.releases.values() for one in kinds.values())


def seen(stories: Any, tell: Any) -> list[dict[str, str]]:
    """What stage 1 tells, signal by signal."""
    story = stories.Story()
    tell(story)
    hall = stories.Hall([SessionFactsRule()], rules=[]).hear(story.events)
    return [{fact.what: fact.value for fact in signal.facts} for signal in hall.signals]


def test_one_signal_tells_what_is_known_at_the_first_response(stories: Any) -> None:
    def tell(story: Any) -> None:
        story.start(model="m", prompt_version="p")
        for _ in range(3):
            story.prompt("x", model="m", system=story.content("Be kind."))
            story.response(model="m-2024")
            story.ask("t")
        story.end()

    [told] = seen(stories, tell)
    assert told.keys() == {"model", "prompt_version", "system", "model_version"}
    assert told["model_version"] == "m=m-2024"


def test_what_helpers_say_does_not_count(stories: Any) -> None:
    def tell(story: Any) -> None:
        story.start()
        story.say("prompt", {"request_id": "r", "model": "small"}, agent_id="helper")
        story.say("response", {"request_id": "r", "model": "small"}, agent_id="helper")
        story.prompt("x", model="large")
        story.end()

    assert seen(stories, tell) == [{"model": "large"}]


SYSTEMS = [
    ("Be kind. Today is 2026-01-03.", "Be kind. Today is 2026-02-04.", True),
    ("Today is Monday, 3 January, 10:15 am.", "Today is Tuesday, 14 March, 9:02 pm.", True),
    ("Session 6f1b2c3d-0000-4000-8000-abcdefabcdef", "Session 0a1b2c3d-1111-4000-8000-fedcbafedcba", True),
    ("Be kind.\n", "Be  kind. ", True),
    ("Be kind.", "Be strict.", False),
    ("Refund up to 100.", "Refund up to 900.", False),
]


@pytest.mark.parametrize(("one", "other", "same"), SYSTEMS)
def test_system_prompts_are_compared_without_dates_and_identifiers(
    stories: Any, one: str, other: str, same: bool
) -> None:
    def told(text: str) -> list[dict[str, str]]:
        return seen(stories, lambda s: (s.prompt("x", system=s.content(text)), s.response()))

    assert (told(one) == told(other)) is same


def test_a_system_prompt_may_be_the_first_message(stories: Any) -> None:
    def told(text: str) -> Any:
        message = {"role": "system", "content": text}
        return seen(
            stories,
            lambda s: (s.prompt(messages=[{"role": "system", "content": s.content(json.dumps(message))}]), s.end()),
        )

    assert told("Be kind.")[0].keys() == {"system"}
    assert told("Be kind.") != told("Be strict.")


def test_lists_of_tools_are_compared_by_content(stories: Any) -> None:
    def told(*tools: Any) -> Any:
        return seen(stories, lambda s: (s.start(tools=s.content(json.dumps(tools), shared=True)), s.end()))

    one, other = stories.tool("a", stories.obj(["x"], x="string")), stories.tool("b")
    assert told(one, other) == told(other, one)
    assert told(one, other) != told(one)
    assert told(one) != told(one | {"description": "changed"})


def test_the_state_of_a_session_is_tiny(stories: Any) -> None:
    story = stories.Story()
    story.start(model="m" * 200)
    for number in range(100):
        story.prompt(f"question {number}", system=story.content(f"Be kind, {number}."))
        story.response()
    hall = stories.Hall([SessionFactsRule()], rules=[]).hear(story.events)
    assert len(str(hall.state().detectors["session_facts"])) < 500
