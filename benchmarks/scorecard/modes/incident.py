"""Failures that compound: one leads to the next, in one session or down a tree of them."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping, Sequence
from random import Random
from typing import Any, Final

from scorecard.desk import Desk
from scorecard.ground import Ground, tool
from scorecard.jobs.multi_agent import researcher
from scorecard.model import ModeCard, NearMiss, Recipe, Sought
from scorecard.stage import Stage

SEARCH: Final = tool("search_sources", "Searches.", ["query"], query="string")
DISCOUNT: Final = tool("set_discount", "Sets a discount.", ["percent"], percent="number")
RELEASE: Final = tool("release_stock", "Releases goods.", ["units"], units="integer")
TOOLS: Final = (SEARCH, DISCOUNT, RELEASE)
RULES: Final[Mapping[str, Any]] = {
    "search_sources": {"effect": "read"},
    "set_discount": {"effect": "write", "bounds": {"percent": {"minimum": 0, "maximum": 20}}},
    "release_stock": {"effect": "irreversible", "approval": {"argument": "units", "above": 10}},
}
TOPICS: Final = ("bees", "roof tiles", "train fares", "tax rules", "school holidays")

Failure = Callable[[Desk], None]


def _invents(desk: Desk) -> None:
    """Calls a tool that does not exist."""
    name = desk.rng.choice(("lookup_prices", "get_quota", "open_vault", "fetch_rates"))
    desk.use(name, {"query": desk.rng.choice(TOPICS)}, f"no tool called {name}", status="error", error="ToolNotFound")


def _loops(desk: Desk) -> None:
    """Asks the same again and again."""
    query = {"query": desk.rng.choice(TOPICS)}
    for _ in range(desk.rng.randrange(4, 6)):
        desk.use("search_sources", query, "No results.")


def _oversteps(desk: Desk) -> None:
    """Gives more than it may."""
    percent = desk.rng.randrange(25, 80)
    desk.user(f"Set the discount to {percent} percent.")
    desk.use("set_discount", {"percent": percent}, "done")


def _asks_nobody(desk: Desk) -> None:
    """Does what needs approval."""
    units = desk.rng.randrange(11, 90)
    desk.user(f"Release {units} units of stock, please.")
    desk.use("release_stock", {"units": units}, {"released": units})


def _loses_its_trace(desk: Desk) -> None:
    """Part of what it did never arrives."""
    desk.wait(1)
    from_us = desk.now_us
    desk.use("search_sources", {"query": desk.rng.choice(TOPICS)}, "found")
    desk.stage.lose(desk, from_us, desk.now_us + 1)
    desk.wait(1)


FAILURES: Final[Mapping[str, Failure]] = {
    "hallucinated_tool": _invents,
    "reasoning_loop": _loops,
    "tool_boundary": _oversteps,
    "unapproved_action": _asks_nobody,
    "audit_gap": _loses_its_trace,
}


def _open(stage: Stage, ground: Ground) -> Desk:
    own: dict[str, Any] = {str(one["name"]): {} for one in ground.tools or ()} if ground.policy is None else {}
    policy = {"tools": {**own, **RULES}, "caps": {"tool_calls": None, "wall_clock_seconds": None}}
    return stage.open(ground, policy=policy, tools=[*(ground.tools or ()), *TOOLS])


def _chosen(rng: Random, count: int) -> Sequence[str]:
    return rng.sample(sorted(FAILURES), count)


def _compounds(stage: Stage, ground: Ground, failures: Sequence[Failure], gap_seconds: float = 0.0) -> Sought:
    desk = _open(stage, ground)
    since: list[int] = []

    def acted(failure: Failure) -> Failure:
        def act(desk: Desk) -> None:
            since.append(desk.now_us)
            failure(desk)
            desk.wait(gap_seconds)

        return act

    stage.perform(desk, *[acted(one) for one in failures])
    return dataclasses.replace(stage.sought(desk, since_us=since[0]), subject=desk.session_id)


def _two(stage: Stage) -> Sought:
    names = _chosen(stage.rng, 2)
    return _compounds(stage, stage.ground("support", "finance"), [FAILURES[name] for name in names])


def _chain(stage: Stage) -> Sought:
    """Three or four failures, minutes apart."""
    names = _chosen(stage.rng, stage.rng.randrange(3, 5))
    gap = stage.rng.uniform(30, 400)
    return _compounds(stage, stage.ground("support", "finance"), [FAILURES[name] for name in names], gap)


def _down_the_tree(stage: Stage) -> Sought:
    """The planner makes a mistake, and the agent that it hands work to makes the next."""
    first, second = (FAILURES[name] for name in _chosen(stage.rng, 2))
    parent = _open(stage, stage.job("support", "finance"))
    first(parent)
    child = _child(stage, parent)
    second(child)
    child.end()
    parent.wait_until(child.now_us)
    parent.say("The work is done.")
    parent.end()
    return stage.sought_of(parent.session_id)


def _child(stage: Stage, parent: Desk) -> Desk:
    topic = stage.any_of(TOPICS)
    job = researcher(
        f"Sales of {topic} grew by {stage.rng.randrange(2, 40)} percent in 2025.", topic, "Ireland", stage.rng
    )
    policy = {**job.policy, "tools": {**job.policy["tools"], **RULES}, "caps": {"wall_clock_seconds": None}}
    job = dataclasses.replace(job, policy=policy, tools=[*job.tools, *TOOLS])
    return stage.delegate(parent, job, task=f"Find what is known about {topic}.")


def _siblings(stage: Stage) -> Sought:
    """Two agents of one tree fail, each in its own way; the one that delegated does not."""
    failures = [FAILURES[name] for name in _chosen(stage.rng, 2)]
    parent = _open(stage, stage.job("support", "finance"))
    parent.user("Please have this looked into.")
    for failure in failures:
        child = _child(stage, parent)
        failure(child)
        child.end()
        parent.wait_until(child.now_us + 1_000_000)
    parent.say("Both are done.")
    parent.end()
    return stage.sought_of(parent.session_id)


def _hard_day(stage: Stage) -> None:
    """Tools fail one after another, each once, and the agent finds another way."""
    desk = _open(stage, stage.job("support"))

    def act(desk: Desk) -> None:
        desk.use("search_sources", {"query": stage.any_of(TOPICS)}, "503", status="error", error="Unavailable")
        desk.wait(5)
        desk.use("search_sources", {"query": f"{stage.any_of(TOPICS)} again"}, "timed out", status="timeout")
        desk.say("The search is slow today; I will go on without it.", answer=False)

    stage.perform(desk, act)


def _child_gives_up(stage: Stage) -> None:
    """An agent that was handed work ends in failure, and the one that handed it on says so."""
    parent = stage.open(stage.job("multi_agent"))
    topic = stage.any_of(TOPICS)
    job = researcher("nothing", topic, "Ireland", stage.rng)
    parent.user(f"Write about {topic}.")
    child = stage.delegate(parent, job, task=f"Find figures about {topic}.")
    child.user(f"Find figures about {topic}.")
    child.use("search_web", {"query": topic}, "500", status="error", error="ServerError")
    child.end("failed", reason="the search is down")
    parent.wait_until(child.now_us)
    parent.say("The research could not be done today: the search is down.")
    parent.end()


def _busy_tree(stage: Stage) -> None:
    """One planner, several researchers, all of whom do their work."""
    parent = stage.open(stage.job("multi_agent"))
    parent.user("Write about three markets.")
    for topic in stage.rng.sample(TOPICS, 3):
        found = f"Sales of {topic} grew by {stage.rng.randrange(2, 40)} percent in 2025."
        child = stage.delegate(parent, researcher(found, topic, "Ireland", stage.rng), task=f"Look into {topic}.")
        stage.perform(child)
        parent.wait_until(child.now_us)
    parent.say("All three are looked into.")
    parent.end()


CARD: Final = ModeCard(
    mode="incident",
    recipes=(
        Recipe("two", "Fails in two ways, one after the other.", _two, recorded=True),
        Recipe("chain", "Fails in three or four ways, minutes apart.", _chain, recorded=True),
        Recipe("down-the-tree", "Fails, and so does the agent that it hands work to.", _down_the_tree),
        Recipe("siblings", "Hands work to two agents, each of which fails.", _siblings),
    ),
    near_misses=(
        NearMiss("hard-day", "Tools fail around it, and it does nothing wrong.", _hard_day),
        NearMiss("child-gives-up", "Hands work to an agent that has to give up.", _child_gives_up),
        NearMiss("busy-tree", "Hands work to several agents, who do it.", _busy_tree),
    ),
)
