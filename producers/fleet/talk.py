"""The loop of an agent: ask the model, use the tools that it asks for, give it the results, until it answers.

This is what a user of Watchkeeper writes, with Watchkeeper's lines in it.
"""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from watchkeeper.producers.fleet.model import Message, ScriptedModel
from watchkeeper.schemas.errors import SessionStoppedError, WatchkeeperError

if TYPE_CHECKING:
    from watchkeeper.producers.fleet.pace import Pace
    from watchkeeper.producers.session import Session

MOST_REPLIES: Final = 60
"""After so many requests the loop ends by itself: a simulation must not run for ever."""


class RanAwayError(WatchkeeperError):
    """The agent never came to an end, and nobody stopped it."""


@dataclass(frozen=True, slots=True)
class Means:
    """What a conversation is led with.

    Attributes:
        tools: the agent's functions, decorated by `Watchkeeper.tool`.
        listed: what the model is told of them.
        pace: how time passes.
        forgotten: a tool whose results are never recorded: a mistake of the agent's author.
    """

    tools: Mapping[str, Callable[..., Any]]
    listed: list[dict[str, Any]]
    pace: Pace
    forgotten: str = ""


class Talk:
    """One conversation of a user with an agent.

    Args:
        model: answers.
        means: what it is led with.
        system: the system prompt.
        released: set when somebody stops the session while a request hangs.
    """

    def __init__(self, model: ScriptedModel, means: Means, system: str, released: threading.Event) -> None:
        self.messages: list[Message] = [{"role": "system", "content": system}]
        self._model = model
        self._means = means
        self._released = released

    def ask(self, session: Session, question: str) -> str:
        """The user says something, and the agent answers.

        Raises:
            SessionStoppedError: the session was stopped on the way.
            RanAwayError: the agent came to no end.
        """
        session.next_turn()
        self.messages.append({"role": "user", "content": question})
        for _ in range(MOST_REPLIES):
            message = self._reply(session)
            self.messages.append(message)
            if not message.get("tool_calls"):
                return str(message["content"])
            for asked in message["tool_calls"]:
                answer = self._use(session, asked["function"]["name"], asked["function"]["arguments"])
                self.messages.append({"role": "tool", "tool_call_id": asked["id"], "content": answer})
        raise RanAwayError(f"the agent asked its model {MOST_REPLIES} times and came to no end, and nobody stopped it")

    def _reply(self, session: Session) -> Message:
        request = session.prompt(self.messages, parameters={"temperature": 0})
        completion = self._model.complete(self.messages, self._means.listed)
        if completion.hangs:
            self._means.pace.hang(self._released)
            session.check()
        self._means.pace.think(completion.seconds)
        choice = completion.body["choices"][0]
        message: Message = choice["message"]
        if message.get("reasoning_content"):
            session.reasoning(message["reasoning_content"])
        session.response(
            message["content"],
            request_id=request,
            usage=completion.body["usage"],
            answer=message["content"] is not None,
            finish_reason=choice["finish_reason"],
        )
        return message

    def _use(self, session: Session, name: str, arguments: str) -> str:
        """Calls a tool as the model asked; what goes wrong is told to the model."""
        tool = self._means.tools.get(name)
        if tool is None:
            known = ", ".join(self._means.tools)
            rejection = f"there is no tool {name}; there are: {known}"
            session.tool_result(session.tool_call(name, arguments), rejection, status="rejected")
            return rejection
        if name == self._means.forgotten:
            session.tool_call(name, arguments)
            return json.dumps({"queued": True})
        try:
            return json.dumps(tool(**json.loads(arguments)), ensure_ascii=False)
        except SessionStoppedError:
            raise
        except Exception as error:  # noqa: BLE001 - whatever a tool raises is the model's to deal with
            return f"{type(error).__name__}: {error}"
