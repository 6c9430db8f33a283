"""Tools that an agent can reach though its goal speaks of nothing that they do.

Words are compared, by their stems: those of the tool's name, its resources and its scope with those of the goal. A deed
(send, refund, delete, …) fits where the goal speaks of it in any of the words by which people ask for it. A tool is not
judged where its name tells nothing (`run`, `handler_7`), nor is any where the goal has fewer than twenty different
words or is in another language than English.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from watchkeeper.cli.policies.advice import Advice
from watchkeeper.schemas.policy import AgentPolicy, ToolPolicy
from watchkeeper.schemas.wildcards import covers
from watchkeeper.stream_processors.detection import reasons
from watchkeeper.stream_processors.detection.calls import Call
from watchkeeper.stream_processors.detection.deeds import deed_of, things_in, words_of
from watchkeeper.stream_processors.detection.word_lists import listed, stem

MIN_GOAL_WORDS: Final = 20

_SAY_NOTHING: Final = frozenset(
    stem(word)
    for word in listed(
        "get list find search fetch read look lookup query check show view load describe count status info data item",
        "items record records result results run call execute handle handler process do make use create add set new",
    )
)
"""Words in names of tools that any goal explains, or none."""


def unexplained_tools(policy: AgentPolicy, registered: tuple[str, ...] = ()) -> Iterator[Advice]:
    """Tools that may be called and that the goal does not speak of.

    Args:
        policy: whose `tools` are looked at.
        registered: names of tools that are registered beside, which may be called where the policy lets them.
    """
    goal = reasons.of_goal(policy.goal.statement)
    if goal.words < MIN_GOAL_WORDS or goal.foreign:
        return
    beside = [name for name in registered if policy.allow_unlisted_tools and name not in policy.tools]
    for name in (*policy.tools, *beside):
        if any(covers(refused, name) for refused in policy.goal.refuses_tools):
            continue
        if _explains(goal, name, policy.tools.get(name)):
            continue
        has_entry = name in policy.tools
        yield Advice(
            "tool_unexplained",
            ("tools", name) if has_entry else ("tools",),
            f"{'it' if has_entry else name} can be called, and the goal speaks of nothing that it does: "
            + ("remove it" if has_entry else "refuse it under goal.refuses_tools")
            + ", or say in the goal what it is for",
        )


def _explains(goal: reasons.Reason, name: str, tool: ToolPolicy | None) -> bool:
    done = deed_of(Call(name, "", {}, ""))
    if done is not None and goal.wide & reasons.bit(done.deed):
        return True
    spoken = {stem(word) for word in words_of(name)} | set(things_in(name))
    if tool is not None:
        about = [tool.scope or "", tool.resource or "", *(tool.allowed_resources or ())]
        spoken |= {stem(word) for text in about for word in words_of(text)}
    telling = {word for word in spoken - _SAY_NOTHING if word.isalpha() and len(word) > 1}
    return not telling or any(_alike(one, other) for one in telling for other in goal.stems)


def _alike(one: str, other: str) -> bool:
    """Whether two stems are of one word: `balanc` and `balance`, `ticket` and `ticketing`."""
    if one == other:
        return True
    short, long = sorted((one, other), key=len)
    return len(short) >= 4 and long.startswith(short) and len(long) - len(short) <= 3
