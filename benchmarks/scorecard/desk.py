"""Where an agent works on one session: the verbs in which jobs and recipes tell what it does."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from random import Random
from typing import TYPE_CHECKING, Any, Literal

from watchkeeper.producers import ManualClock, RecordedIdentity, Session

if TYPE_CHECKING:
    from scorecard.ground import Ground
    from scorecard.stage import Stage

ResultStatus = Literal["ok", "error", "timeout", "rejected", "cancelled"]
Trust = Literal["trusted", "untrusted"]


class Desk:
    """One open session.

    Time passes by what is done: a request to the model takes a second or two, a tool some tenths.

    Attributes:
        stage: where it stands.
        ground: what the agent works on.
        session: the session of the SDK, for all that has no verb here (`decision`, `approval`, `retrieval`, …).
        clock: the session's time.
        rng: the plant's chance.
        messages: the conversation so far, as the model is shown it.
        spent_us: how long what was planted took, so that a recording goes on later.
    """

    def __init__(
        self, stage: Stage, ground: Ground, session: Session, clock: ManualClock, identity: RecordedIdentity
    ) -> None:
        self.stage = stage
        self.ground = ground
        self.session = session
        self.clock = clock
        self.identity = identity
        self.rng: Random = stage.rng
        self.messages: list[dict[str, Any]] = []
        self.spent_us = 0
        self.told_end = False

    @property
    def session_id(self) -> str:
        """The session's id."""
        return self.session.session_id

    @property
    def now_us(self) -> int:
        """The session's time, epoch microseconds."""
        return self.clock()

    @property
    def tool_names(self) -> list[str]:
        """The registered tools; none where they are not known."""
        listed = (one.get("function", one) for one in self.ground.tools or ())
        return [one["name"] for one in listed if isinstance(one.get("name"), str)]

    def wait(self, seconds: float) -> None:
        """Lets time pass."""
        self.clock.advance(round(seconds * 1_000_000))

    def wait_until(self, at_us: int) -> None:
        """Lets time pass until a moment; not backwards."""
        self.clock.set(max(self.clock(), at_us))

    def user(self, text: str) -> None:
        """The user says something: a new turn."""
        self.wait(self.rng.uniform(1.0, 9.0))
        self.session.next_turn()
        self.messages.append({"role": "user", "content": text})

    def request(self, *, input_tokens: int | None = None, **told: Any) -> str:
        """A request to the model begins, with the conversation so far; answers its id."""
        self._asked_tokens = self._size() if input_tokens is None else input_tokens
        return self.session.prompt(self.messages, **told)

    def respond(
        self,
        text: str | None = None,
        *,
        request_id: str | None = None,
        calls: Sequence[Mapping[str, Any]] = (),
        answer: bool = False,
        output_tokens: int | None = None,
        seconds: float | None = None,
        reasoning: str = "",
        **told: Any,
    ) -> None:
        """The model answers what was asked last.

        Args:
            text: what it says; None where it only calls tools.
            request_id: which request.
            calls: the tool calls that it asks for, as messages show them.
            answer: whether the text is for the user.
            output_tokens: what it took; by the text's length, if None.
            seconds: how long it took.
            reasoning: what it shows of its reasoning.
            **told: see `Session.response`.
        """
        self.wait(self.rng.uniform(0.6, 2.5) if seconds is None else seconds)
        if reasoning:
            self.session.reasoning(reasoning)
        produced = 12 + len(text or "") // 4 + 25 * len(calls) if output_tokens is None else output_tokens
        told.setdefault("usage", {"input_tokens": self._asked_tokens, "output_tokens": produced})
        told.setdefault("finish_reason", "tool_calls" if calls else "stop")
        self.session.response(text, request_id=request_id, answer=answer, **told)
        shown: dict[str, Any] = {"role": "assistant", "content": text}
        if calls:
            shown["tool_calls"] = [dict(call) for call in calls]
        self.messages.append(shown)

    def say(self, text: str, *, answer: bool = True, reasoning: str = "", **told: Any) -> None:
        """The model is asked and answers in words."""
        self.respond(text, request_id=self.request(), answer=answer, reasoning=reasoning, **told)

    def call(
        self, name: str, arguments: Any = None, /, *, saying: str | None = None, reasoning: str = "", **told: Any
    ) -> str:
        """The model is asked and calls a tool; answers the call's id. `returns` must follow, unless it hangs.

        Args:
            name: the tool.
            arguments: as the model gave them.
            saying: what the model says beside.
            reasoning: what it shows of its reasoning.
            **told: see `Session.tool_call` (`idempotency_key`).
        """
        call_id = self.identity.new_id("call")
        shown = {"id": call_id, "type": "function", "function": {"name": name, "arguments": arguments}}
        self.respond(saying, request_id=self.request(), calls=[shown], reasoning=reasoning)
        self.session.tool_call(name, {} if arguments is None else arguments, call_id=call_id, **told)
        return call_id

    def returns(
        self,
        call_id: str,
        result: Any,
        *,
        status: ResultStatus = "ok",
        error: str | None = None,
        trust: Trust = "trusted",
        seconds: float | None = None,
    ) -> None:
        """A tool answers. `trust` is `untrusted` where what it gives was written by strangers (web pages, mail)."""
        self.wait(self.rng.uniform(0.05, 0.8) if seconds is None else seconds)
        self.session.tool_result(call_id, result, status=status, error=error, trust=trust)
        self.messages.append({"role": "tool", "tool_call_id": call_id, "content": result})

    def use(self, name: str, arguments: Any, result: Any, /, *, saying: str | None = None, **told: Any) -> str:
        """A call and its result; answers the call's id.

        Args:
            name: the tool.
            arguments: as the model gave them.
            result: what the tool gives.
            saying: what the model says beside.
            **told: for `returns`: `status`, `error`, `trust`, `seconds`; all others for `call`.
        """
        of_result = {key: told.pop(key) for key in ("status", "error", "trust", "seconds") if key in told}
        call_id = self.call(name, arguments, saying=saying, **told)
        self.returns(call_id, result, **of_result)
        return call_id

    def end(self, status: Literal["completed", "failed", "stopped"] = "completed", **told: Any) -> None:
        """Ends the session; a second call does nothing."""
        self.wait(0.2)
        self.session.end(status, **told)

    _asked_tokens = 0

    def _size(self) -> int:
        return 350 + sum(len(str(message.get("content") or "")) for message in self.messages) // 4
