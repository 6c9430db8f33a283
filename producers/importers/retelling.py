"""Tells a recorded session to the recorder, as the agent itself would have told it.

Each assistant message is a request to the model and its response: `prompt` with all messages before it, `reasoning`
where it was recorded, `response`, and a `tool_call` for each call. Each tool message is a `tool_result`.

An assistant message that holds calls and nothing else, and that follows another assistant message directly, goes on
with it: agents that think in one message and act in the next, and calls made by code that the model wrote, are no
further requests.

Turns are not counted: a recording says which messages have the role `user`, not which of them a person wrote.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any, Final, Literal

from watchkeeper.producers.identity import ManualClock, RecordedIdentity
from watchkeeper.producers.importers import fields
from watchkeeper.producers.importers.model import NOT_RECORDED, RecordedMessage, RecordedSession
from watchkeeper.producers.importers.times import Span, Timeline
from watchkeeper.producers.session import Session

UNMEASURED: Final = -1
"""A duration that nobody measured: the recorder leaves out what is no count."""

UNKNOWN_ARGUMENTS: Final = "null"
"""Arguments that were not recorded. Left out, they would mean "none", which many schemas reject."""

CLOSING: Final = "closing_message"
SOURCE: Final = "recording"

_KIND_OF_ERROR: Final = re.compile(r"\s*([A-Za-z_][\w.]{0,120})\s*:")


@dataclass(frozen=True, slots=True)
class _OpenCall:
    """A call whose result is still to come."""

    call_id: str
    name: str
    message: int


class Retelling:
    """One recorded session on its way into a session of the recorder.

    Args:
        recorded: what is told.
        timeline: when each message happened.
        session: who is told; begun and ended by the caller.
        identity: the session's names, for results of calls that nobody recorded.
        clock: the session's clock, moved from message to message.
    """

    def __init__(
        self,
        recorded: RecordedSession,
        timeline: Timeline,
        session: Session,
        identity: RecordedIdentity,
        clock: ManualClock,
    ) -> None:
        self._recorded = recorded
        self._timeline = timeline
        self._session = session
        self._identity = identity
        self._clock = clock
        self._open: list[_OpenCall] = []

    def tell(self) -> None:
        """Tells all messages, in order."""
        for index in range(len(self._recorded.messages)):
            self.tell_message(index)

    def tell_message(self, index: int) -> None:
        """Tells one message; all before it were told."""
        message, span = self._recorded.messages[index], self._timeline.spans[index]
        if message.is_assistant:
            if not _goes_on(message, self._recorded.messages[index - 1] if index else None):
                self._tell_request(index, message, span)
            self._tell_calls(index, message, span)
        elif message.is_result:
            self._tell_result(message, span)

    def _tell_request(self, index: int, message: RecordedMessage, span: Span) -> None:
        session = self._session
        self._clock.set(span.begun_us)
        shown = [earlier.shown for earlier in self._recorded.messages[:index]]
        request_id = session.prompt(shown)
        self._clock.set(span.done_us)
        for text in message.reasoning:
            session.reasoning(text)
        session.response(
            message.text,
            request_id=request_id,
            answer=bool(message.text) and not message.calls,
            usage=message.usage or None,
            finish_reason=message.finish_reason,
            duration_us=message.duration_us if span.measured else UNMEASURED,
            abstained=message.refused,
            error=_error_kind(message) if message.failed else None,
            reported_cost_usd=message.cost_usd,
        )

    def _tell_calls(self, index: int, message: RecordedMessage, span: Span) -> None:
        self._clock.set(span.done_us)
        for call in message.calls:
            arguments = UNKNOWN_ARGUMENTS if call.arguments is NOT_RECORDED else call.arguments
            call_id = self._session.tool_call(call.name, arguments, call_id=call.call_id or None)
            self._open.append(_OpenCall(call_id, call.name, index))

    def _tell_result(self, message: RecordedMessage, span: Span) -> None:
        self._clock.set(span.done_us)
        answered = self._answered(message)
        call_id = message.call_id or (answered.call_id if answered else self._identity.new_id("call"))
        kind = _error_kind(message) if message.failed else None
        self._session.tool_result(
            call_id,
            _result_of(message),
            status=_status_of(kind),
            error=kind,
            tool_name=message.tool_name or (answered.name if answered else ""),
            duration_us=message.duration_us if span.measured else UNMEASURED,
        )

    def _answered(self, message: RecordedMessage) -> _OpenCall | None:
        """The call that a result answers, taken off the list: by its id, else by its name, else the next one.

        Models repeat ids, so that of several calls with one id the last message's are meant, in their order.
        """
        if message.call_id:
            fitting = [call for call in self._open if call.call_id == message.call_id]
        else:
            fitting = [call for call in self._open if not message.tool_name or call.name == message.tool_name]
        if not fitting:
            return None
        newest = max(call.message for call in fitting)
        found = next(call for call in fitting if call.message == newest)
        self._open.remove(found)
        return found


def tell_outcomes(recorded: RecordedSession, session: Session) -> None:
    """Tells the labels, and what the user said last.

    Args:
        recorded: what is told.
        session: a writer of its own on the recorded session.
    """
    for message in _unanswered(recorded.messages):
        session.outcome(CLOSING, kind="feedback", label=message.role, comment=message.text, source=SOURCE)
    for name, label in recorded.labels.items():
        value, word, comment = _spread(label)
        if label is not None:
            session.outcome(name, value, label=word, comment=comment, source=SOURCE)


def _spread(label: Any) -> tuple[float | None, str, str | None]:
    """A label as number, word and text."""
    if isinstance(label, bool):
        return float(label), str(label).lower(), None
    if isinstance(label, int | float):
        number = fields.number(label)
        return number, "" if number is not None else str(label), None
    if isinstance(label, str):
        return (None, label, None) if len(label) <= 256 else (None, "", label)
    return None, "", fields.json_text(label)


def _unanswered(messages: list[RecordedMessage]) -> list[RecordedMessage]:
    """The messages after the last one of the agent or of a tool: no request shows them."""
    last = max((i for i, message in enumerate(messages) if message.is_assistant or message.is_result), default=-1)
    return [message for message in messages[last + 1 :] if message.text]


def _goes_on(message: RecordedMessage, before: RecordedMessage | None) -> bool:
    return (
        before is not None
        and before.is_assistant
        and bool(message.calls)
        and not (message.text or message.usage or message.reasoning or message.failed)
    )


def _result_of(message: RecordedMessage) -> Any:
    """The text of a result; with what the runtime says about its failure, where the text does not hold it."""
    if not message.error or (message.text and message.error in message.text):
        return message.text
    return message.error if message.text is None else {"content": message.text, "error": message.error}


def _error_kind(message: RecordedMessage) -> str:
    """`TypeError` of `TypeError: …`; `error` where no kind is named."""
    found = _KIND_OF_ERROR.match(message.error)
    return found.group(1) if found else "error"


def _status_of(kind: str | None) -> Literal["ok", "error", "timeout"]:
    if kind is None:
        return "ok"
    return "timeout" if "timeout" in kind.lower() else "error"
