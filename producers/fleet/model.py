"""A scripted model: it stands where a language model would, speaks its message shapes, and is the same at every run.

What it answers depends on the messages that it is shown and on a seed, and on nothing else. So a session can go on
in another process, and a run can be repeated.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property
from random import Random
from typing import Any, Final

from watchkeeper.producers.fleet.worlds import chance_for

Message = dict[str, Any]
"""A chat message as OpenAI's interface spells it."""

SECONDS: Final = (0.15, 0.4)
"""How long a request takes: quicker than a real one, so that a demonstration is short."""

CACHED_FROM: Final = 1024
CACHED_STEP: Final = 128
"""A provider that caches prompts does so from 1,024 tokens on, in steps of 128."""


@dataclass(frozen=True, slots=True)
class Call:
    """A tool call that the model asks for; `arguments` as text where the model writes no JSON."""

    name: str
    arguments: dict[str, Any] | str


@dataclass(frozen=True, slots=True)
class Turn:
    """What the model does next.

    Attributes:
        text: what it says; the final answer where there are no calls.
        calls: the tools that it asks for.
        reasoning: what it shows of its reasoning.
        hangs: the request never comes back.
    """

    text: str = ""
    calls: tuple[Call, ...] = ()
    reasoning: str = ""
    hangs: bool = False


class Conversation:
    """What the model sees, read conveniently."""

    def __init__(self, messages: Sequence[Message]) -> None:
        self.messages = messages

    @cached_property
    def replies(self) -> int:
        """How often the model has spoken."""
        return sum(message["role"] == "assistant" for message in self.messages)

    @cached_property
    def results(self) -> list[Any]:
        """What tools answered, in order: parsed, or the text where it is no JSON."""
        return [_parsed(message["content"]) for message in self.messages if message["role"] == "tool"]

    @property
    def last(self) -> Any:
        """The latest tool result; None before the first."""
        return self.results[-1] if self.results else None


Step = Turn | Callable[[Conversation], Turn]
Script = Callable[[Conversation, Random], Turn]
"""Answers what the model does next; the source of chance is the seed's for this point of the conversation."""


def steps(*items: Step) -> Script:
    """A script that takes one step at each reply; the last one is repeated for as long as it is asked."""

    def script(conversation: Conversation, _: Random) -> Turn:
        item = items[min(conversation.replies, len(items) - 1)]
        return item if isinstance(item, Turn) else item(conversation)

    return script


@dataclass(frozen=True, slots=True)
class Completion:
    """What a request to the model came back with.

    Attributes:
        body: the response as OpenAI's chat interface spells it: `id`, `model`, `choices`, `usage`.
        seconds: how long it took.
        hangs: it never comes back; there is no body then.
    """

    body: dict[str, Any]
    seconds: float
    hangs: bool = False

    @property
    def message(self) -> Message:
        """The assistant's message."""
        message: Message = self.body["choices"][0]["message"]
        return message


class ScriptedModel:
    """A model that follows a script.

    Args:
        name: the model's name, as the price list knows it.
        script: what it does.
        seed: two models with one seed and one script answer alike.
        caches: whether the provider caches what it has read before.
    """

    def __init__(self, name: str, script: Script, seed: str, *, caches: bool = True) -> None:
        self.name = name
        self._script = script
        self._seed = seed
        self._caches = caches

    def complete(self, messages: Sequence[Message], tools: Sequence[dict[str, Any]] = ()) -> Completion:
        """Answers a request. It does not wait: `Completion.seconds` says how long a caller should."""
        conversation = Conversation(messages)
        chance = chance_for(self._seed, conversation.replies)
        turn = self._script(conversation, chance)
        if turn.hangs:
            return Completion({}, 0.0, hangs=True)
        message: Message = {"role": "assistant", "content": turn.text or None}
        if turn.reasoning:
            message["reasoning_content"] = turn.reasoning
        if turn.calls:
            message["tool_calls"] = [
                {
                    "id": f"call_{chance.randrange(16**12):012x}",
                    "type": "function",
                    "function": {"name": call.name, "arguments": _text(call.arguments)},
                }
                for call in turn.calls
            ]
        usage = self._usage(messages, tools, message)
        body = {
            "id": f"chatcmpl-{chance.randrange(16**16):016x}",
            "object": "chat.completion",
            "model": self.name,
            "choices": [{"index": 0, "message": message, "finish_reason": "tool_calls" if turn.calls else "stop"}],
            "usage": usage,
        }
        return Completion(body, chance.uniform(*SECONDS))

    def _usage(self, messages: Sequence[Message], tools: Sequence[dict[str, Any]], answer: Message) -> dict[str, Any]:
        prompt = tokens_of(list(tools)) + sum(tokens_of(message) for message in messages)
        reasoning = tokens_of(answer.get("reasoning_content", ""))
        return {
            "prompt_tokens": prompt,
            "completion_tokens": tokens_of(answer),
            "total_tokens": prompt + tokens_of(answer),
            "prompt_tokens_details": {"cached_tokens": self._cached(messages, tools)},
            "completion_tokens_details": {"reasoning_tokens": reasoning},
        }

    def _cached(self, messages: Sequence[Message], tools: Sequence[dict[str, Any]]) -> int:
        """Tokens of the request before this one, which the provider still has."""
        spoken = [index for index, message in enumerate(messages) if message["role"] == "assistant"]
        if not self._caches or not spoken:
            return 0
        before = tokens_of(list(tools)) + sum(tokens_of(message) for message in messages[: spoken[-1]])
        return before - before % CACHED_STEP if before >= CACHED_FROM else 0


def tokens_of(value: Any) -> int:
    """About as many tokens as a tokenizer would count: a quarter of the characters."""
    return -(-len(_text(value)) // 4)


def _text(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def _parsed(content: Any) -> Any:
    try:
        return json.loads(content)
    except (TypeError, ValueError):
        return content
