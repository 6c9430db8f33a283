from __future__ import annotations

import json
from typing import Any

import pytest

from watchkeeper.stream_processors.detection.session_rules.user_turns import MAX_CONVERSATIONS, spoke


def message(story: Any, content: Any, role: str = "user") -> dict[str, Any]:
    """A message as a prompt holds it."""
    return {"role": role, "content": story.content(json.dumps({"role": role, "content": content}))}


def heard(story: Any, *prompts: list[dict[str, Any]], **data: Any) -> list[bool]:
    """Whether a person spoke, prompt by prompt."""
    known: dict[str, int] = {}
    sent = [story.say("prompt", {"request_id": f"r-{i}", "messages": told} | data) for i, told in enumerate(prompts)]
    return [spoke(known, event) for event in sent]


def test_a_conversation_that_grows_by_a_user_message(stories: Any) -> None:
    story = stories.Story()
    hello, answer, more = message(story, "hello"), message(story, "yes?", "assistant"), message(story, "go on")
    assert heard(story, [hello], [hello, answer], [hello, answer, more], [hello, answer, more]) == [
        True,
        False,
        True,
        False,
    ]


def test_the_same_words_again_are_words(stories: Any) -> None:
    story = stories.Story()
    hello, first = message(story, "hello"), message(story, "check again")
    second = message(story, "check again")
    assert second["content"]["text"] is None
    assert heard(story, [hello], [hello, first], [hello, first, second]) == [True, True, True]


@pytest.mark.parametrize(
    "content",
    [
        [{"type": "tool_result", "tool_use_id": "t-1", "content": "x"}],
        [{"functionResponse": {"name": "search"}}],
        "Observation: nothing was found",
    ],
)
def test_results_in_the_users_role_are_no_words(stories: Any, content: Any) -> None:
    story = stories.Story()
    hello, result = message(story, "hello"), message(story, content)
    assert heard(story, [hello], [hello, result], [hello, result]) == [True, False, False]


def test_helpers_have_conversations_of_their_own(stories: Any) -> None:
    story = stories.Story()
    mine = [message(story, "hello"), message(story, "and?")]
    task = [message(story, "classify this")]
    assert heard(story, mine, task, mine, task, mine) == [True, True, False, False, False]


def test_a_history_that_was_cut_is_the_same_conversation(stories: Any) -> None:
    story = stories.Story()
    system = story.content("be kind")
    long = [message(story, f"question {index}") for index in range(5)]
    assert heard(story, long, long[3:], [*long[3:], message(story, "new")], system=system) == [True, False, True]


def test_the_turn_decides_where_it_is_told(stories: Any) -> None:
    story = stories.Story()
    known: dict[str, int] = {}
    seen = []
    for turn, user in ((0, "a"), (0, "b"), (1, None), (1, "c"), (0, None), (2, None), (None, "d")):
        story.turn = turn
        seen.append(spoke(known, story.prompt(user)))
    assert seen == [False, False, True, False, False, True, False]


def test_conversations_are_bounded(stories: Any) -> None:
    story = stories.Story()
    known: dict[str, int] = {}
    for index in range(50):
        spoke(known, story.say("prompt", {"request_id": "r", "messages": [message(story, f"task {index}")]}))
    assert len(known) == MAX_CONVERSATIONS
