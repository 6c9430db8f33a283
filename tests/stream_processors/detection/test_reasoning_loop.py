from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from watchkeeper.schemas.evidence import Loop
from watchkeeper.schemas.policy import AgentPolicy
from watchkeeper.stream_processors.detection.pricing import Priced
from watchkeeper.stream_processors.detection.session_rules.reasoning_loop import ReasoningLoop

if TYPE_CHECKING:
    from collections.abc import Callable

POLICY = AgentPolicy.model_validate(
    {"agent": "support", "tools": {"send": {"effect": "write"}, "wipe": {"effect": "irreversible"}}}
)


class FlatPrice:
    """A cent a request."""

    def price(self, *, provider: str, model: str, usage: Any, at_us: int) -> Priced:
        return Priced("priced", 0.01, "flat/1")


def told(stories: Any, tell: Callable[[Any], Any], **story: Any) -> Any:
    """What is found in a story."""
    one = stories.Story(policy=POLICY, **story)
    one.start()
    tell(one)
    return stories.Hall([ReasoningLoop()], prices=FlatPrice()).hear(one.events)


def again(story: Any, times: int, *results: str | None, name: str = "search", **arguments: Any) -> None:
    """The same call, with the results in turn."""
    for index in range(times):
        story.ask(name, results[index % len(results)], **arguments)


def two_by_two(story: Any) -> None:
    for _ in range(3):
        story.ask("read", "a", id=1)
        story.ask("check", "b", id=1)


def four_by_four(story: Any) -> None:
    for _ in range(3):
        for tool in ("read", "plan", "check", "write"):
            story.ask(tool, f"{tool} done", id=1)


def five_by_five(story: Any) -> None:
    for _ in range(6):
        for tool in ("a", "b", "c", "d", "e"):
            story.ask(tool, "done")


def reworded(story: Any) -> None:
    for query in ("weather in Paris today", "Paris weather today", "today weather of Paris"):
        story.ask("search", "no results", q=query)


def pages(story: Any, *results: str) -> None:
    for page, text in enumerate(results):
        story.ask("list", text, q="orders", page=page)


def ids_repeat(story: Any) -> None:
    for _ in range(3):
        story.call("search", q="x", call_id="the-one")
        story.result("nothing", call_id="the-one")


def in_parallel(story: Any, *results: str) -> None:
    ids = [f"p-{index}" for index in range(len(results))]
    for call_id in ids:
        story.call("search", q="x", call_id=call_id)
    for call_id, text in zip(ids, results, strict=True):
        story.result(text, call_id=call_id)


def with_a_user(story: Any, at: int, times: int = 3) -> None:
    story.prompt("status?")
    for index in range(times):
        if index == at:
            story.prompt(f"and now, {index}?")
        else:
            story.prompt()
        story.ask("search", "nothing", q="x")


def with_turns(story: Any, times: int, every: int) -> None:
    for index in range(times):
        story.turn = index // every
        story.ask("search", "nothing", q="x")


def through_anthropic(story: Any, times: int, *, role: str = "tool_result") -> None:
    """Results come back as user messages: no person speaks."""
    messages = [{"role": "user", "content": story.content('{"role": "user", "content": "go"}')}]
    for index in range(times):
        story.say("prompt", {"request_id": f"r-{index}", "messages": list(messages)})
        story.ask("search", "nothing", q="x")
        block = {"role": "user", "content": [{"type": role, "tool_use_id": f"t-{index}", "content": "nothing"}]}
        messages.append({"role": "user", "content": story.content(json.dumps(block))})


LOOPS = {
    "thrice the same": (lambda s: again(s, 3, "nothing", q="x"), ["search"], "identical", 3),
    "thrice the same failure": (
        lambda s: failing(s, "retry in 1 s", "retry in 2 s", "retry in 3 s"),
        ["search"],
        "identical",
        3,
    ),
    "a cycle of two": (two_by_two, ["read", "check"], "identical", 3),
    "a cycle of four": (four_by_four, ["read", "plan", "check", "write"], "identical", 3),
    "a query reworded": (reworded, ["search"], "near", 3),
    "pages that are all the same": (lambda s: pages(s, "a", "a", "a"), ["list"], "near", 3),
    "a repeated call id": (ids_repeat, ["search"], "identical", 3),
    "parallel calls": (lambda s: in_parallel(s, "nothing", "nothing", "nothing"), ["search"], "identical", 3),
    "results that alternate": (lambda s: again(s, 6, "on", "off", q="x"), ["search", "search"], "identical", 3),
    "news first, then none": (
        lambda s: again(s, 5, "1 %", "2 %", "3 %", "3 %", "3 %", q="x"),
        ["search"],
        "identical",
        3,
    ),
    "a tool that writes": (
        lambda s: again(s, 3, "sent 1", "sent 2", "sent 3", name="send", to="a"),
        ["send"],
        "identical",
        3,
    ),
    "identifiers that change": (
        lambda s: again(s, 4, "ticket T-10001", "ticket T-10002", "ticket T-10003", "ticket T-10004", name="open"),
        ["open"],
        "identical",
        3,
    ),
    "a user before the third of five": (lambda s: with_a_user(s, 2, 5), ["search"], "identical", 3),
    "many in one turn": (lambda s: with_turns(s, 5, 3), ["search"], "identical", 3),
    "results in the user's role": (lambda s: through_anthropic(s, 3), ["search"], "identical", 3),
    "results never recorded": (lambda s: again(s, 6, None, q="x"), ["search"], "identical", 6),
}

NO_LOOPS = {
    "twice the same": lambda s: again(s, 2, "nothing", q="x"),
    "a job that goes on": lambda s: again(s, 20, *[f"{index} %" for index in range(20)], q="x"),
    "pages that are read": lambda s: pages(s, "a", "b", "c", "d"),
    "three different orders that are all fine": lambda s: [s.ask("cancel", "ok", order=f"o-{i}") for i in range(9)],
    "three different searches that find nothing": lambda s: [
        s.ask("search", "no results", q=q) for q in ("Nvidia revenue 2023", "Apple market share", "chip makers Taiwan")
    ],
    "near calls of a tool that writes": lambda s: [
        s.ask("send", "sent", text=t) for t in ("hello dear Ann", "dear Ann hello", "hello Ann dear")
    ],
    "near calls whose results were not recorded": lambda s: [s.ask("list", None, page=i) for i in range(20)],
    "a user before the third": lambda s: with_a_user(s, 2),
    "a user before the second": lambda s: with_a_user(s, 1),
    "a user every time": lambda s: with_turns(s, 12, 1),
    "a cycle of five": five_by_five,
    "parallel calls with different results": lambda s: in_parallel(s, "a", "b", "c", "d"),
    "arguments that are not known": lambda s: [
        s.say("tool_call", {"tool_call_id": "c", "tool_name": "t"}) and s.result("x") for _ in range(9)
    ],
    "other calls between": lambda s: [s.ask(t, "ok", i=i) for i in range(4) for t in ("search", "think")] and None,
    "results never recorded, five times": lambda s: again(s, 5, None, q="x"),
}


def failing(story: Any, *errors: str) -> None:
    for text in errors:
        story.call("search", q="x")
        story.result(text, status="error", error_type="HTTP 429")


@pytest.mark.parametrize("name", LOOPS)
def test_a_loop(stories: Any, name: str) -> None:
    tell, cycle, match, rounds = LOOPS[name]
    judged = told(stories, tell)
    assert len({finding.finding_id for finding in judged.findings}) == 1, judged.findings
    finding = judged.findings[0]
    evidence = finding.evidence
    assert isinstance(evidence, Loop)
    assert (evidence.cycle, evidence.match, evidence.rounds) == (cycle, match, rounds)
    assert finding.severity == ("medium" if rounds < 6 else "high")
    assert not any(verdict.commands for verdict in judged.verdicts)


@pytest.mark.parametrize("name", NO_LOOPS)
def test_no_loop(stories: Any, name: str) -> None:
    assert told(stories, NO_LOOPS[name]).findings == []


def test_it_is_found_at_the_call_that_begins_the_third_round(stories: Any) -> None:
    judged = told(stories, two_by_two)
    third = judged.verdicts[1 + 4 * 2]
    assert [finding.kind for finding in third.findings] == ["loop"]
    [finding] = judged.findings
    assert finding.evidence.calls == 5


def test_it_is_told_again_when_the_rounds_double_with_its_cost(stories: Any) -> None:
    def tell(story: Any) -> None:
        for _ in range(30):
            story.response(input_tokens=100, output_tokens=10)
            story.ask("search", "nothing", q="x")

    judged = told(stories, tell)
    shown = [(one.revision, one.severity, one.evidence.rounds) for one in judged.findings]
    assert shown == [(0, "medium", 3), (1, "high", 6), (2, "high", 12), (3, "high", 24)]
    assert len({one.finding_id for one in judged.findings}) == 1
    last = judged.findings[-1]
    first_call = next(verdict for verdict in judged.verdicts if verdict)
    assert first_call.findings[0].first_event_id == last.first_event_id
    assert (last.evidence.tokens, last.evidence.calls) == (23 * 110, 24)
    assert last.evidence.cost_usd == pytest.approx(0.23)
    assert last.evidence.seconds == pytest.approx(23 * 0.3)
    assert judged.state().totals.worst_severity == "high"


def test_what_the_calls_carried_is_described_not_copied(stories: Any) -> None:
    secret = "jane.roe@example.com 4111111111111111"
    judged = told(stories, lambda s: again(s, 3, secret, q=secret, page=3))
    [finding] = judged.findings
    assert finding.evidence.arguments == ["q: a string of 37 characters, page: 3"]
    assert secret not in finding.model_dump_json()


def test_two_loops_are_two_findings(stories: Any) -> None:
    def tell(story: Any) -> None:
        again(story, 3, "nothing", q="x")
        again(story, 3, "nothing", q="other")
        story.prompt("go on")
        story.prompt("please")
        again(story, 3, "nothing", q="x")

    judged = told(stories, tell)
    assert [one.revision for one in judged.findings] == [0, 0, 0]
    assert len({one.finding_id for one in judged.findings}) == 3


@pytest.mark.parametrize(("repeats", "found_at"), [(2, 2), (3, 3), (5, 5), (20, 20)])
def test_the_policy_says_how_many_rounds(stories: Any, repeats: int, found_at: int) -> None:
    policy = AgentPolicy.model_validate({"agent": "support", "thresholds": {"loop_repeats": repeats}})
    story = stories.Story(policy=policy)
    story.start()
    again(story, 25, "nothing", q="x")
    judged = stories.Hall([ReasoningLoop()]).hear(story.events)
    assert judged.findings[0].evidence.rounds == found_at


def test_a_late_result_is_not_seen_and_accuses_nobody(stories: Any) -> None:
    def tell(story: Any) -> None:
        for _ in range(5):
            story.call("search", q="x")
            story.lose()
        story.say("tool_result", {"tool_call_id": "c-1", "tool_name": "search", "result": story.content("a")}, seq=2)

    assert told(stories, tell).findings == []


LETTERS = st.lists(st.sampled_from("abc"), max_size=40)


@given(calls=LETTERS)
def test_runs_of_three_are_found_and_nothing_else_without_repetition(stories: Any, calls: list[str]) -> None:
    """Against the plain reading of the definition: some cycle of at most 4 that ran into its third round."""

    def tell(story: Any) -> None:
        for letter in calls:
            story.ask(letter, f"answer {letter}")

    found = told(stories, tell).findings
    assert bool(found) == has_loop(calls)


def has_loop(calls: list[str]) -> bool:
    for length in range(1, 5):
        for end in range(2 * length, len(calls)):
            window = calls[end - 2 * length : end + 1]
            if all(window[index] == window[index - length] for index in range(length, len(window))):
                return True
    return False


@given(calls=LETTERS, cut=st.integers(0, 80))
def test_a_user_ends_every_run(stories: Any, calls: list[str], cut: int) -> None:
    def tell(story: Any) -> None:
        for index, letter in enumerate(calls):
            story.turn = int(index >= cut)
            story.ask(letter, f"answer {letter}")

    assert bool(told(stories, tell).findings) == (has_loop(calls[:cut]) or has_loop(calls[cut:]))
