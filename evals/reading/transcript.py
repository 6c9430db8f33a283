"""Who said what in a session, rebuilt from its events.

What the agent said and called comes from `response`, `reasoning`, `tool_call` and `tool_result`; what it was told
comes from its prompts, each of which repeats the conversation so far: only what is new in it is taken. What a prompt
quotes of the agent that no event tells (a greeting, a conversation handed in as history) is taken too.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any, Final

from watchkeeper.evals.interaction import Speaker, ToolUse, Turn
from watchkeeper.evals.reading.messages import arguments_of, calls_of, results_of, speaker_of, text_of
from watchkeeper.schemas.events import (
    Outcome,
    Prompt,
    Reasoning,
    Response,
    SessionEnded,
    ToolCall,
    ToolResult,
)
from watchkeeper.schemas.model import from_us
from watchkeeper.schemas.prompts import RebuiltPrompt
from watchkeeper.schemas.stored_events import StoredEvent
from watchkeeper.schemas.stored_texts import SessionTexts

CLOSING: Final = "closing_message"
"""The outcome by which a recording tells what was said after the agent's last word."""


@dataclass(slots=True)
class _Use:
    call_id: str
    name: str
    arguments: dict[str, Any] | None = None
    result: str | None = None
    failed: bool = False
    trusted: bool | None = None
    answered: bool = False


@dataclass(slots=True)
class _Said:
    speaker: Speaker
    at_us: int
    text: str = ""
    reasoning: str = ""
    uses: list[_Use] = field(default_factory=list)
    responded: bool = False

    def frozen(self) -> Turn:
        tools = tuple(
            ToolUse(
                call_id=use.call_id,
                name=use.name[:256] or "(unknown)",
                arguments=use.arguments,
                result=use.result,
                failed=use.failed,
                trusted=use.trusted,
            )
            for use in self.uses
        )
        return Turn(speaker=self.speaker, text=self.text, reasoning=self.reasoning, tools=tools, at=from_us(self.at_us))


def turns_of(ordered: Iterable[tuple[int, StoredEvent]], texts: SessionTexts) -> tuple[Turn, ...]:
    """The turns of a session.

    Args:
        ordered: its events in order, each with its time in microseconds since 1970 (`stored_events.in_order`).
        texts: where their texts are.
    """
    transcript = _Transcript(texts)
    for at_us, stored in ordered:
        transcript.take(at_us, stored)
    return transcript.turns()


class _Transcript:
    def __init__(self, texts: SessionTexts) -> None:
        self._texts = texts
        self._prompts = {id(prompt.prompt): prompt for prompt in texts.prompts()}
        self._said: list[_Said] = []
        self._closing: list[_Said] = []
        self._current: _Said | None = None
        self._unquoted: list[_Said] = []
        self._shown: list[list[str]] = []
        self._counted: Counter[str] = Counter()

    def turns(self) -> tuple[Turn, ...]:
        """What was said so far, without turns that hold nothing."""
        said_in_all = (*self._said, *self._closing)
        return tuple(said.frozen() for said in said_in_all if said.text or said.reasoning or said.uses)

    def take(self, at_us: int, stored: StoredEvent) -> None:
        """Takes in the next event."""
        match stored.event:
            case Prompt() as event:
                self._prompt(at_us, self._prompts[id(event)])
            case Reasoning() as event:
                turn = self._agent(at_us, new=self._has_responded())
                turn.reasoning = _joined(turn.reasoning, self._text(event.data.text, stored))
            case Response() as event:
                turn = self._agent(at_us, new=self._has_responded())
                turn.text, turn.responded = self._text(event.data.text, stored), True
            case ToolCall() as event:
                arguments = event.data.arguments
                if event.data.arguments_content is not None:
                    arguments = self._text(event.data.arguments_content, stored)
                use = _Use(event.data.tool_call_id, event.data.tool_name, arguments_of(arguments))
                self._agent(at_us).uses.append(use)
            case ToolResult() as event:
                self._result(at_us, event, stored)
            case SessionEnded() as event if event.data.answer is not None:
                self._best_answer(at_us, self._text(event.data.answer, stored))
            case Outcome() as event if event.data.name == CLOSING and event.data.comment is not None:
                text = self._text(event.data.comment, stored)
                self._closing.append(_Said(speaker_of(event.data.label), at_us, text))
            case _:
                pass

    def _text(self, content: Any, stored: StoredEvent) -> str:
        return "" if content is None else self._texts.of(content, stored.writer_id).text or ""

    def _has_responded(self) -> bool:
        return self._current is not None and (self._current.responded or bool(self._current.uses))

    def _agent(self, at_us: int, *, new: bool = False) -> _Said:
        """The agent's turn that is going on; a new one where there is none, or where one is asked for."""
        if self._current is None or new:
            self._current = _Said("assistant", at_us)
            self._said.append(self._current)
            self._unquoted.append(self._current)
        return self._current

    def _result(self, at_us: int, event: ToolResult, stored: StoredEvent) -> None:
        """A result belongs to the call of its id that is open; models repeat ids, so to the first that is."""
        data = event.data
        use = next((use for use in self._uses(data.tool_call_id) if not use.answered), None)
        if use is None:
            use = _Use(data.tool_call_id, data.tool_name)
            self._agent(at_us).uses.append(use)
        use.answered = True
        use.result = None if data.result is None else self._texts.of(data.result, stored.writer_id).text
        use.failed, use.trusted = data.status != "ok", data.trust == "trusted"

    def _uses(self, call_id: str) -> Iterable[_Use]:
        return (use for said in self._said for use in said.uses if use.call_id == call_id)

    def _best_answer(self, at_us: int, answer: str) -> None:
        spoken = next((said.text for said in reversed(self._said) if said.speaker == "assistant" and said.text), "")
        if answer and _plain(answer) != _plain(spoken):
            self._said.append(_Said("assistant", at_us, answer))

    def _prompt(self, at_us: int, prompt: RebuiltPrompt) -> None:
        if prompt.system is not None and prompt.system.text is not None:
            self._instruct(at_us, text_of(_value(prompt.system)))
        keys = [text.text if text.text is not None else text.address for _, text in prompt.messages]
        for index in self._new(keys):
            role, text = prompt.messages[index]
            if text.text is not None:
                self._told(at_us, role, _value(text))
        self._current = None
        self._unquoted.clear()

    def _new(self, keys: list[str]) -> list[int]:
        """Which messages of a prompt are new.

        A prompt that goes on with an earlier one has its new messages behind that one's. Of any other (its older
        messages were left out, or another conversation runs in the same session) those are new that occur more
        often than in any before it.
        """
        for place in reversed(range(len(self._shown))):
            before = self._shown[place]
            if keys[: len(before)] == before:
                self._shown[place] = keys
                new = list(range(len(before), len(keys)))
                break
        else:
            self._shown.append(keys)
            here: Counter[str] = Counter()
            new = []
            for index, key in enumerate(keys):
                here[key] += 1
                if here[key] > self._counted[key]:
                    new.append(index)
        self._counted |= Counter(keys)
        return new

    def _told(self, at_us: int, role: str, message: Any) -> None:
        speaker = speaker_of(role)
        for call_id, result in results_of(message):
            self._quoted_result(call_id, result)
        if speaker == "assistant":
            self._quoted(at_us, message)
        elif speaker != "tool" and (text := text_of(message)):
            self._said.append(_Said(speaker, at_us, text))

    def _instruct(self, at_us: int, text: str) -> None:
        if text and not any(said.speaker == "system" and said.text == text for said in self._said):
            self._said.append(_Said("system", at_us, text))

    def _quoted_result(self, call_id: str, result: str) -> None:
        """A result that only a prompt shows."""
        use = next((use for use in self._uses(call_id) if call_id and not use.answered), None)
        if use is not None:
            use.result, use.answered = result, True

    def _quoted(self, at_us: int, message: Any) -> None:
        """A message of the agent in a prompt: told by events already, or known from here alone."""
        text, calls = text_of(message), list(calls_of(message))
        ids = {call.call_id for call in calls}
        for said in self._said:
            known = {use.call_id for use in said.uses}
            if said.speaker == "assistant" and _plain(said.text) == _plain(text) and ids <= known:
                self._drop_unquoted(said)
                return
        if self._unquoted:
            # Told in other words: a framework rewrites what it hands on.
            self._unquoted.pop(0)
            return
        uses = [_Use(call.call_id, call.name, call.arguments) for call in calls]
        if all(any(True for _ in self._uses(call.call_id)) for call in calls) and not text:
            return
        self._said.append(_Said("assistant", at_us, text, uses=uses, responded=True))

    def _drop_unquoted(self, said: _Said) -> None:
        self._unquoted = [one for one in self._unquoted if one is not said]


def _value(text: Any) -> Any:
    """The message that a text holds; the text itself where it is not the JSON that it promises."""
    try:
        return text.value()
    except ValueError:
        return text.text


def _plain(text: str) -> str:
    return " ".join(text.split())


def _joined(before: str, after: str) -> str:
    return f"{before}\n{after}" if before and after else before or after
