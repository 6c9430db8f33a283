"""The exact prompt is rebuilt from what was sent, and each text is sent once."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from watchkeeper.producers import Watchkeeper
from watchkeeper.producers.testing import MemoryTransport
from watchkeeper.producers.writing.writer import split_text
from watchkeeper.schemas.contents import PART_LIMIT, address_of
from watchkeeper.schemas.events import ContentPart, Event
from watchkeeper.schemas.prompts import RebuiltPrompt, rebuild_prompts, texts_of

values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)
messages = st.lists(
    st.fixed_dictionaries({"role": st.sampled_from(["user", "assistant", "tool"]), "content": values}), max_size=6
)


def sent(prompts: list[dict[str, Any]], memory: MemoryTransport | None = None) -> list[Event]:
    transport = memory or MemoryTransport()
    watch = Watchkeeper("support", transport=transport)
    with watch.session() as s:
        for prompt in prompts:
            s.prompt(**prompt)
    assert watch.close(30)
    return transport.events()


@given(st.lists(messages, max_size=4), st.text(min_size=1), values)
def test_what_the_model_was_shown_comes_back(turns: list[list[Any]], system: str, tools: Any) -> None:
    events = sent([{"messages": turn, "system": system, "tools": [tools]} for turn in turns])
    rebuilt = rebuild_prompts(events)
    assert [prompt.values() for prompt in rebuilt] == turns
    assert all(prompt.is_exact for prompt in rebuilt)
    assert all(prompt.system and prompt.system.value() == system for prompt in rebuilt)
    assert all(prompt.tools and prompt.tools.value() == [tools] for prompt in rebuilt)


def growing(turns: int) -> list[dict[str, Any]]:
    history: list[dict[str, str]] = []
    prompts = []
    for turn in range(turns):
        history.append({"role": "user", "content": f"turn {turn} " + "x" * 2000})
        prompts.append({"messages": list(history), "system": "s" * 5000})
    return prompts


def test_a_growing_context_is_sent_once() -> None:
    memory = MemoryTransport()
    prompts = growing(30)
    events = sent(prompts, memory)
    assert [prompt.values() for prompt in rebuild_prompts(events)] == [prompt["messages"] for prompt in prompts]
    texts = 30 * 2000 + 5000
    assert texts < sum(len(record.value) for record in memory.records) < 3 * texts


@pytest.mark.parametrize(
    "text",
    ["x" * 5_000_000, "é" * 600_000, "\x01" * 1_000_000, ("a" * 100_000 + "\x02" * 100_000) * 4, "😀" * 100_000],
    ids=["plain", "two bytes", "control characters", "mixed", "four bytes"],
)
def test_a_text_of_megabytes_travels_in_parts_and_comes_back(text: str) -> None:
    memory = MemoryTransport()
    events = sent([{"messages": [{"role": "user", "content": text}], "system": text}] * 2, memory)
    for prompt in rebuild_prompts(events):
        assert prompt.is_exact
        assert prompt.values() == [{"role": "user", "content": text}]
        assert prompt.system is not None
        assert prompt.system.text == text
    parts = [event for event in events if isinstance(event, ContentPart)]
    assert all(len(part.data.text.encode()) <= PART_LIMIT for part in parts)
    assert {part.writer_id.removesuffix("/c") for part in parts} == {events[0].writer_id}
    assert [part.seq for part in parts] == list(range(len(parts)))
    assert max(len(record.value) for record in memory.records) <= 900 * 1024
    # Once, although it was used twice.
    assert len({(part.data.address, part.data.part) for part in parts}) == len(parts)


def test_many_texts_that_do_not_fit_one_event_go_before_it() -> None:
    given_messages = [{"role": "user", "content": str(index) + "y" * 50_000} for index in range(40)]
    (prompt,) = rebuild_prompts(sent([{"messages": given_messages}]))
    assert prompt.values() == given_messages
    assert prompt.is_exact


def test_thousands_of_short_messages_fit_one_event() -> None:
    given_messages = [{"role": "user", "content": str(index)} for index in range(5000)]
    memory = MemoryTransport()
    (prompt,) = rebuild_prompts(sent([{"messages": given_messages}], memory))
    assert prompt.values() == given_messages
    assert max(len(record.value) for record in memory.records) <= 900 * 1024


@given(st.text(st.characters(codec="utf-8"), min_size=1), st.integers(1, 300_000))
def test_parts_are_cut_between_characters(text: str, times: int) -> None:
    raw = (text * times).encode()[: 3 * PART_LIMIT].decode(errors="ignore").encode()
    assert "".join(split_text(raw)).encode() == raw


def test_a_lost_record_takes_its_texts_with_it_and_they_are_sent_again() -> None:
    memory = MemoryTransport()
    watch = Watchkeeper("support", transport=memory)
    with watch.session() as s:
        assert watch.flush()
        memory.failing = True
        s.prompt([{"role": "user", "content": "kept"}])
        assert not watch.flush()
        memory.failing = False
        lost = memory.records.pop()
        s.prompt([{"role": "user", "content": "kept"}])
    assert watch.close()
    assert watch.losses() == {"delivery_failed": lost.events}
    events = memory.events()
    (prompt,) = rebuild_prompts(events)
    assert prompt.is_exact
    assert prompt.prompt.attributes == {"watchkeeper.lost": 1, "watchkeeper.lost_reasons": "delivery_failed:1"}
    assert [event.seq for event in events] == [0, 2, 3]


def rebuilt_with(events: list[Event], **changes: Any) -> RebuiltPrompt:
    prompt = events[1]
    return rebuild_prompts([events[0].model_copy(update=changes), prompt])[0]


def test_verdicts_say_what_is_wrong() -> None:
    events = sent([{"messages": [{"role": "user", "content": "a"}]}])
    assert rebuilt_with(events).is_exact
    (_, erased), *_ = rebuilt_with(events, writer_salt=None).messages
    assert erased.verdict == "unverifiable"
    (_, other), *_ = rebuilt_with(events, writer_salt="0" * 32).messages
    assert other.verdict == "mismatch"


def test_missing_texts_are_looked_up_and_checked() -> None:
    twice = [{"messages": [{"role": "user", "content": "a"}]}] * 2
    events = sent(twice)
    later = [events[0], events[2]]
    (missing,) = rebuild_prompts(later)
    assert [text.verdict for text in missing.texts()] == ["missing"]
    assert missing.values() == [None]
    (found,) = rebuild_prompts(later, texts_of(events).get)
    assert found.is_exact
    (forged,) = rebuild_prompts(later, lambda _: "forged")
    assert not forged.is_exact


def test_shared_texts_are_addressed_without_salt() -> None:
    watch = Watchkeeper("support", transport=(memory := MemoryTransport()))
    with watch.session(tools=[{"name": "a"}], goal="g"):
        pass
    watch.close()
    started: Any = memory.events()[0].data
    assert started.tools.address == address_of('[{"name":"a"}]')
    assert started.policy.content.address.startswith("u-")
    assert started.goal.address.startswith("s-")
